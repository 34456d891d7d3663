//! How fast pushes are taken in beside bare inserts of the same rows: `cargo bench -p qianpu-tests --bench push_intake`.
//!
//! 200 accounts push at once, 32 pushes on their way at any moment: first those of one merchant with many shops, who has a
//! flash sale, then five each of forty merchants. Each push is verified, decrypted, stored once with the job it leads to,
//! and acknowledged by the real server over HTTP. The baseline is pgbench, with as many connections as the server has on the same PostgreSQL, which inserts the
//! same row into the inbox in a transaction of the same tenant and does nothing else. Both take turns. Point
//! `QIANPU_TEST_DATABASE_URL` at a server with its ordinary settings; the one that tests start for themselves does not
//! wait for its disk and logs every statement.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, read by a person")]

use futures_util::{StreamExt, stream};
use qianpu_domain::access::Role;
use qianpu_domain::shop::ShopState;
use qianpu_tests::TestDb;
use qianpu_tests::http::http_client;
use qianpu_tests::push::{Push, Sender};
use qianpu_tests::stage::{AES_KEY, PUSH_TOKEN, Stage, shop};
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};

const ACCOUNTS: usize = 200;
const ROUNDS: usize = 5;
const PUSHES: usize = 4_000;
const AT_ONCE: usize = 32;

fn paid(order: usize) -> String {
    format!(
        r#"{{"ToUserName":"gh_1","FromUserName":"o1","CreateTime":1714112445,"MsgType":"event","Event":"channels_ec_order_pay","order_info":{{"order_id":{order},"pay_time":1714112400}}}}"#
    )
}

/// Where an account's pushes go, and who signs them.
fn sender(account: &Value) -> (String, Sender) {
    let text = |name: &str| account[name].as_str().unwrap();
    (text("hook_url").to_owned(), Sender::now(PUSH_TOKEN, AES_KEY, text("external_id")))
}

struct Round {
    per_second: usize,
    p50: Duration,
    p99: Duration,
}

/// Sends the pushes, [`AT_ONCE`] at a time.
async fn send(pushes: Vec<(String, Push)>) -> Round {
    let (http, count, start) = (http_client(), pushes.len(), Instant::now());
    let mut times: Vec<Duration> = stream::iter(pushes)
        .map(|(url, push)| {
            let http = http.clone();
            async move {
                let start = Instant::now();
                let answer = http.post(url).query(&push.query).body(push.body).send().await.unwrap();
                assert_eq!(answer.text().await.unwrap(), "success");
                start.elapsed()
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let took = start.elapsed();
    times.sort_unstable();
    let per_second = count * 1_000_000 / usize::try_from(took.as_micros()).unwrap();
    Round { per_second, p50: times[count / 2], p99: times[count * 99 / 100] }
}

/// Transactions per second of pgbench with the script.
fn pgbench(url: &str, script: &std::path::Path) -> usize {
    let each = (PUSHES / AT_ONCE).to_string();
    let script = script.to_str().unwrap();
    let mut command = Command::new("pgbench");
    command.args([
        "-n",
        "-M",
        "prepared",
        "-j",
        "2",
        "-c",
        &AT_ONCE.to_string(),
        "-t",
        &each,
        "-f",
        script,
        url,
    ]);
    let told = command.output().unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("tps = "));
    let line = line.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&told.stderr)));
    line.split('.').next().unwrap().parse().unwrap()
}

#[actix_web::main]
async fn main() {
    let db = TestDb::postgres("push_intake").await.unwrap();
    let connections = AT_ONCE.to_string();
    let stage = Stage::start_with(db, &[("QIANPU__DATABASE__MAX_CONNECTIONS", &connections)]).await;
    let (mut of_one, mut of_many) = (Vec::new(), Vec::new());
    // A shop begins with five accounts.
    for group in 0..ACCOUNTS / 5 {
        let name = format!("第 {group} 号铺");
        let of = shop(&stage.app, &stage.merchant, &name, "enterprise", ShopState::Trading).await;
        let other = stage.app.merchant(&stage.provider, &name).await;
        let owner = stage.app.person(&other, Role::MerchantOwner).await;
        // A name is one shop's within a provider.
        let own = format!("第 {group} 家");
        let of_other = shop(&stage.app, &other, &own, "enterprise", ShopState::Trading).await;
        for number in 0..5 {
            let name = format!("{name} {number}");
            of_one.push(sender(&stage.direct_store_of(of, &name).await));
            of_many.push(sender(&stage.direct_store_by(&owner, of_other, &name).await));
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("insert.sql");
    let tenant = stage.merchant.tenant().0;
    let insert = format!(
        "BEGIN;\nSET LOCAL app.tenant_id = '{tenant}';\n\
         INSERT INTO inbox_messages (tenant_id, id, owner_id, dedup_key, kind, subject, payload, received_at) \
         VALUES ('{tenant}', gen_random_uuid(), gen_random_uuid(), gen_random_uuid()::text, 'order_changed', \
         '3705115058471208928', '{{\"pay_time\":1714112400}}', 1714112445000000) ON CONFLICT DO NOTHING;\nCOMMIT;\n"
    );
    std::fs::write(&script, insert).unwrap();
    let url = stage.app.db.url();
    let mut order = 1_000_000;
    for (whose, senders) in [("one merchant", of_one), ("forty merchants", of_many)] {
        let mut ratios = Vec::new();
        println!("{whose}\nround  pushes/s   p50 ms   p99 ms  pgbench/s   ratio");
        for round in 0..ROUNDS {
            let pushes = (0..PUSHES).map(|number| {
                let (url, sender) = &senders[number % ACCOUNTS];
                (url.clone(), sender.json(&paid(order + number)))
            });
            let own = send(pushes.collect()).await;
            order += PUSHES;
            let bare = pgbench(&url, &script);
            let percent = own.per_second * 100 / bare;
            ratios.push(percent);
            println!(
                "{round:>5} {:>9} {:>8} {:>8} {bare:>10}   {}.{:02}",
                own.per_second,
                own.p50.as_millis(),
                own.p99.as_millis(),
                percent / 100,
                percent % 100
            );
        }
        ratios.sort_unstable();
        let middle = ratios[ROUNDS / 2];
        println!("ratio, middle of {ROUNDS}: {}.{:02}", middle / 100, middle % 100);
    }
    stage.stop().await;
}
