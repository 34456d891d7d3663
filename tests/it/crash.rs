//! `kill -9` in the middle of work: real processes of the program are killed while they carry out commands, jobs and
//! calls of a platform. Whoever got no answer asks again; everything has happened once.

use crate::imports::HEADER;
use crate::money::{stage_on, yuan};
use crate::orders::Selling;
use futures_util::stream::{FuturesUnordered, StreamExt};
use qianpu_tenants::clock::Clock;
use qianpu_tests::TestDb;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::deadline::until;
use qianpu_tests::goods::Goods;
use qianpu_tests::http::Client;
use qianpu_tests::postgres::connect;
use qianpu_tests::program::{Program, run};
use qianpu_tests::stage::Stage;
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

const ENTRY: &str = "crash::program";
/// Commands under way when the process dies.
const AT_ONCE: usize = 16;

/// The process that the tests of this module start and kill.
#[test]
#[ignore = "a process of its own, started by the tests of this module"]
fn program() {
    run();
}

/// One command: method, path, body and key.
type Command = (Method, String, Option<Value>, String);

/// The status of a command's answer, or nothing when the connection broke.
async fn outcome(client: &Client, (method, path, body, key): &Command) -> Option<u16> {
    let mut request = client.request(method.clone(), path).header("Idempotency-Key", key);
    if let Some(body) = body {
        request = request.json(body);
    }
    request.send().await.ok().map(|answer| answer.status().as_u16())
}

/// Sends all commands to a process at once, kills it when `answers` of them were answered, and sends all of them
/// again to the server that is left. Says how many had got no answer, and how many of those had been carried out.
async fn interrupted(app: &TestApp, person: &Client, commands: &[Command], answers: usize) -> (usize, usize) {
    let mut process = Program::serve(app, ENTRY, "serve --no-jobs").await;
    let client = process.client_of(person);
    let mut running: FuturesUnordered<_> = commands.iter().map(|command| outcome(&client, command)).collect();
    for _ in 0..answers {
        let status = running.next().await.expect("an answer");
        assert!(status.is_some_and(|status| status < 300), "{status:?} before the process was killed");
    }
    process.kill();
    let lost = running.collect::<Vec<_>>().await.iter().filter(|status| status.is_none()).count();
    let mut replayed = 0;
    for (method, path, body, key) in commands {
        let answer = person.try_send(method.clone(), path, body.as_ref(), &[("Idempotency-Key", key)]).await;
        assert!(answer.status < 300, "{key}: {} {}", answer.status, answer.body);
        replayed += usize::from(answer.headers.contains_key("idempotency-replayed"));
    }
    assert!(replayed >= commands.len() - lost, "what was answered had been kept");
    (lost, replayed - (commands.len() - lost))
}

both! {
    async fn a_command_whose_server_is_killed_is_carried_out_once(db: TestDb) {
        let goods = Goods::start_on(TestApp::start_with(db, Clock::ahead(), &[]).await).await;
        let product = goods.on_sale(&Goods::simple("明前龙井", 12_800, 1_000)).await;
        let sku = product["skus"][0]["id"].as_str().unwrap();
        let mut lost = 0;
        let rounds = [0, 1, 4, 9];
        for (round, answers) in rounds.into_iter().enumerate() {
            let command = |n| {
                let body = json!({ "change": 1, "note": format!("{round}.{n}") });
                (Method::POST, format!("/api/v1/stock/{sku}/adjust"), Some(body), format!("round-{round}-{n}"))
            };
            let commands: Vec<Command> = (0..AT_ONCE).map(command).collect();
            lost += interrupted(&goods.app, &goods.owner, &commands, answers).await.0;
        }
        assert!(lost >= AT_ONCE, "only {lost} answers were lost: nothing was interrupted");
        let total = i64::try_from(rounds.len() * AT_ONCE).unwrap();
        let stock = goods.owner.get(&format!("/api/v1/stock/{sku}"), 200).await;
        assert_eq!(stock.number("/stock/on_hand"), 1_000 + total);
        let movements = goods.owner.get(&format!("/api/v1/stock/{sku}/movements?limit=100"), 200).await.json("/items");
        let mut notes: Vec<&str> = movements.as_array().unwrap().iter().filter_map(|m| m["note"].as_str()).collect();
        notes.retain(|note| note.contains('.'));
        notes.sort_unstable();
        notes.dedup();
        assert_eq!(notes.len(), rounds.len() * AT_ONCE, "one movement per command");
    }

    async fn money_whose_server_is_killed_is_booked_once(db: TestDb) {
        let stage = stage_on(TestApp::start_with(db, Clock::ahead(), &[]).await).await;
        let deposit = stage.shop(200_000).await;
        let mut receipts = Vec::new();
        for n in 0..AT_ONCE {
            let body = json!({ "deposit_id": deposit, "amount": yuan(100), "bank_reference": format!("B{n}") });
            receipts.push(stage.declare(&body, 201).await.text("/id"));
        }
        let confirm = |id: &String| (Method::POST, format!("/api/v1/receipts/{id}/confirm"), None, format!("confirm-{id}"));
        let commands: Vec<Command> = receipts.iter().map(confirm).collect();
        let (lost, _) = interrupted(&stage.app, &stage.finance, &commands, 2).await;
        assert!(lost > 0, "nothing was interrupted");
        for receipt in &receipts {
            assert_eq!(stage.journals(receipt).await, ["deposit.topped_up"], "{receipt}");
        }
        assert_eq!(stage.balance("deposit").await, 100 * i64::try_from(AT_ONCE).unwrap());
    }

    async fn a_parcel_whose_worker_is_killed_during_the_call_is_sent_once(db: TestDb) {
        let selling = Selling::start(db, 10).await;
        let external = selling.buy(1, true).await;
        let order = selling.order_in(&external, "paid").await;
        // The platform does the work and takes its time to say so; the worker dies while it waits.
        let slow = json!({ "path": "/channels/ec/order/delivery/send", "delay_ms": 20_000, "after": true, "count": 1 });
        selling.stage.sandbox.post("faults/calls", &slow).await;
        let path = format!("/api/v1/orders/{}/shipments", order["id"].as_str().unwrap());
        selling.stage.owner.post(&path, &json!({ "carrier": "SF", "waybill": "SF1234567890" }), 201).await;
        let mut process = Program::serve(&selling.stage.app, ENTRY, "serve").await;
        until("the platform has the parcel", async || (parcels(&selling, &external).await == 1).then_some(())).await;
        process.kill();
        selling.stage.sandbox.delete("faults/calls").await;
        // The job's lease runs out; somebody else takes it.
        selling.stage.app.advance(120);
        let order = selling.order_in(&external, "shipped").await;
        assert_eq!(order["shipments"][0]["state"], "sent");
        assert_eq!(parcels(&selling, &external).await, 1);
        selling.stage.stop().await;
    }

    async fn a_product_whose_worker_is_killed_during_the_call_is_made_once(db: TestDb) {
        let stage = Stage::start(db).await;
        let account = stage.direct_store("山前茶铺").await;
        let product = stage.product("明前龙井", 10).await;
        // The platform makes the product and takes its time to say so; the worker dies while it waits.
        let slow = json!({ "path": "/channels/ec/product/add", "delay_ms": 20_000, "after": true, "count": 1 });
        stage.sandbox.post("faults/calls", &slow).await;
        let id = stage.publish(&product, &account, 202).await.text("/id");
        let mut process = Program::serve(&stage.app, ENTRY, "serve").await;
        until("the platform has the product", async || (products(&stage, &account).await == 1).then_some(())).await;
        process.kill();
        stage.sandbox.delete("faults/calls").await;
        // Somebody wants something else of it meanwhile: that, too, must not make a second one.
        let path = format!("/api/v1/channel_accounts/{}/listing_rules", account["id"].as_str().unwrap());
        stage.owner.put(&path, &json!({ "title_suffix": " 新茶" }), 200).await;
        stage.app.advance(120);
        stage.listing_in(&id, "listed").await;
        assert_eq!(products(&stage, &account).await, 1);
        stage.stop().await;
    }

    async fn an_import_whose_worker_is_killed_goes_on_where_it_stopped(db: TestDb) {
        let goods = Goods::start_on(TestApp::start_with(db, Clock::ahead(), &[]).await).await;
        let import = begin_import(&goods).await;
        let mut process = Program::serve(&goods.app, ENTRY, "serve").await;
        until("the import has begun", async || (done_rows(&goods, &import).await? > 0).then_some(())).await;
        process.kill();
        let begun = done_rows(&goods, &import).await.unwrap();
        assert!(begun < ROWS, "the import was too fast for this test: {begun}");
        goes_on(&goods, &import).await;
    }
}

/// A database that is restarted ends every connection there is. Only PostgreSQL has any.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_for_a_moment_loses_nothing_of_an_import() {
    let test = "crash::a_database_that_is_gone_for_a_moment_loses_nothing_of_an_import";
    let Some(db) = TestDb::postgres(test).await else { return };
    let goods = Goods::start_on(TestApp::start_with(db, Clock::ahead(), &[]).await).await;
    let superuser = connect(&goods.app.db.superuser_url()).await.unwrap();
    let import = begin_import(&goods).await;
    let mut process = Program::serve(&goods.app, ENTRY, "serve").await;
    until("the import has begun", async || (done_rows(&goods, &import).await? > 0).then_some(())).await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for _ in 0..3 {
        superuser.execute_unprepared(cut).await.unwrap();
        // Both processes find the database again by themselves.
        for base_url in [&process.base_url, &goods.app.base_url] {
            let client = Client::new(base_url);
            until("the process is well again", async || {
                (client.try_send(Method::GET, "/readyz", None, &[]).await.status == 200).then_some(())
            })
            .await;
        }
    }
    let begun = done_rows(&goods, &import).await.unwrap();
    assert!(begun < ROWS, "the import was too fast for this test: {begun}");
    process.kill();
    goes_on(&goods, &import).await;
    superuser.close().await.unwrap();
}

/// Rows of the file that is imported.
const ROWS: i64 = 400;

/// Uploads a file of [`ROWS`] products; the path of the import.
async fn begin_import(goods: &Goods) -> String {
    let rows: String = (0..ROWS).map(|n| format!("C{n},高山乌龙茶 {n},,,1,1\n")).collect();
    let id = goods.import(&goods.owner, format!("{HEADER}{rows}")).await.text("/id");
    format!("/api/v1/imports/{id}")
}

/// Rows with a result; nothing while the database is away.
async fn done_rows(goods: &Goods, import: &str) -> Option<i64> {
    let answer = goods.owner.try_send(Method::GET, import, None, &[]).await;
    (answer.status == 200).then(|| answer.number("/done_rows"))
}

/// Whoever is left ends the import later: each row once.
async fn goes_on(goods: &Goods, import: &str) {
    goods.app.advance(3_600);
    goods.app.run_jobs().await;
    let done = goods.owner.get(import, 200).await;
    let told = (done.text("/state"), done.number("/ok_rows"), done.number("/failed_rows"));
    assert_eq!(told, ("done".to_owned(), ROWS, 0));
    let (mut products, mut cursor) = (0, String::new());
    loop {
        let page = goods.owner.get(&format!("/api/v1/products?limit=100{cursor}"), 200).await;
        products += page.json("/items").as_array().unwrap().len();
        let Value::String(next) = page.json("/next_cursor") else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(i64::try_from(products).unwrap(), ROWS);
}

/// How many products the platform has of an account.
async fn products(stage: &Stage, account: &Value) -> usize {
    let all =
        stage.sandbox.get(&format!("products?appid={}", account["external_id"].as_str().unwrap())).await;
    all["products"].as_array().map_or(0, Vec::len)
}

/// How many parcels the platform knows of an order.
async fn parcels(selling: &Selling, external: &str) -> usize {
    let order = selling.stage.sandbox.get(&format!("orders/{external}")).await;
    let parcels = &order["order"]["order_detail"]["delivery_info"]["delivery_product_info"];
    parcels.as_array().map_or(0, Vec::len)
}
