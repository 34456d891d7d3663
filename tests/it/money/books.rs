//! The trial balance, accounts, and the books as files: for the merchant's people and its provider's finance staff.

use super::{FEE, Stage, id_of, stage};
use qianpu_domain::access::Role;
use qianpu_domain::ledger::flows::order_paid;
use qianpu_domain::money::Fen;
use qianpu_tenants::store::ledger::journal_post;
use qianpu_tests::both;
use qianpu_tests::http::Client;
use serde_json::{Value, json};

/// A bill that was issued and paid in March: 1110 moves on both sides, 1010 on one, 2400 and 2300 on the other.
async fn paid_bill(stage: &Stage) -> String {
    let invoice = stage.subscribe(FEE).await;
    stage.app.run_jobs().await;
    let body = json!({"invoice_id": invoice, "amount": super::yuan(FEE), "bank_reference": "=工行1"});
    let receipt = stage.declare(&body, 201).await.text("/id");
    stage.finance.post(&format!("/api/v1/receipts/{receipt}/confirm"), &json!({}), 200).await;
    invoice
}

fn row(trial: &Value, code: i64) -> [i64; 6] {
    let rows = trial["rows"].as_array().unwrap();
    let row =
        rows.iter().find(|row| row["account"]["code"] == code).unwrap_or_else(|| panic!("{code} in {trial}"));
    six(row)
}

fn six(row: &Value) -> [i64; 6] {
    let of = |pair: &str, side: &str| row[pair][side]["amount"].as_i64().unwrap();
    [
        of("opening", "debit"),
        of("opening", "credit"),
        of("moved", "debit"),
        of("moved", "credit"),
        of("closing", "debit"),
        of("closing", "credit"),
    ]
}

async fn account_of(client: &Client, code: i64) -> String {
    let found = client.get("/api/v1/ledger/accounts", 200).await.json("/items");
    let rows = found.as_array().unwrap();
    rows.iter().find(|row| row["account"]["code"] == code).unwrap()["id"].as_str().unwrap().to_owned()
}

both! {
    async fn a_trial_balance_shows_what_there_was_moved_and_is(db: TestDb) {
        let mut stage = stage(db).await;
        paid_bill(&stage).await;
        let trial = stage.owner.get("/api/v1/ledger/trial_balance", 200).await.json("");
        assert_eq!((trial["from"].as_str(), trial["to"].as_str()), (Some("2026-03-01"), Some("2026-03-02")));
        assert_eq!(row(&trial, 1010), [0, 0, FEE, 0, FEE, 0]);
        assert_eq!(row(&trial, 1110), [0, 0, FEE, FEE, 0, 0]);
        assert_eq!(row(&trial, 2400), [0, 0, 0, 188_585, 0, 188_585]);
        assert_eq!(row(&trial, 2300), [0, 0, 0, 11_315, 0, 11_315]);
        assert_eq!(six(&trial["total"]), [0, 0, 2 * FEE, 2 * FEE, FEE, FEE]);
        assert_eq!(trial["total"]["balanced"], true);

        // A month later it is what there was. 30 of 31 days are earned when April begins; the next bill comes on the 2nd.
        stage.days_later(30).await;
        let trial = stage.owner.get("/api/v1/ledger/trial_balance?to=2026-04-01", 200).await.json("");
        assert_eq!(row(&trial, 1010), [FEE, 0, 0, 0, FEE, 0]);
        assert_eq!(row(&trial, 2400), [0, 188_585, 182_502, 0, 0, 6_083]);
        assert_eq!(row(&trial, 4010), [0, 0, 0, 182_502, 0, 182_502]);
        assert_eq!(trial["total"]["balanced"], true);
        // The last day of a stretch counts, the day after does not, by the merchant's clock.
        let before = stage.owner.get("/api/v1/ledger/trial_balance?from=2026-03-01&to=2026-03-01", 200).await.json("");
        assert_eq!(before["rows"], json!([]));
        let on = stage.owner.get("/api/v1/ledger/trial_balance?from=2026-03-02&to=2026-03-02", 200).await.json("");
        assert_eq!(row(&on, 1010), [0, 0, FEE, 0, FEE, 0]);
        for bad in ["from=2026-04-02&to=2026-04-01", "from=yesterday", "to=2026-02-30"] {
            stage.owner.get(&format!("/api/v1/ledger/trial_balance?{bad}"), 422).await;
        }

        let bank = account_of(&stage.owner, 1010).await;
        let entries = format!("/api/v1/ledger/accounts/{bank}/entries");
        let of = async |month: &str| {
            let items = stage.owner.get(&format!("{entries}?month={month}"), 200).await.json("/items");
            items.as_array().unwrap().len()
        };
        assert_eq!((of("2026-03").await, of("2026-04").await), (1, 0));
        stage.owner.get(&format!("{entries}?month=march"), 422).await;
        stage.stop().await;
    }

    async fn files_have_each_leg_and_no_formula(db: TestDb) {
        let stage = stage(db).await;
        let invoice = paid_bill(&stage).await;
        let csv = stage.owner.get("/api/v1/ledger/trial_balance/file?lang=zh", 200).await.body;
        assert!(csv.starts_with('\u{FEFF}') && csv.contains("1110,应收账单,,,1999.00,1999.00,,\n"), "{csv}");
        assert!(csv.ends_with(",合计,0.00,0.00,3998.00,3998.00,1999.00,1999.00\n"), "{csv}");
        let bank = account_of(&stage.owner, 1010).await;
        let csv = stage.owner.get(&format!("/api/v1/ledger/accounts/{bank}/entries/file?lang=en"), 200).await.body;
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 4, "{csv}");
        assert!(lines[1].ends_with(",opening,,,,,0.00") && lines[3].ends_with(",closing,,,,,1999.00"), "{csv}");
        assert!(lines[2].contains(&format!(",Invoice paid,{invoice},")) && lines[2].ends_with(",1999.00,,1999.00"), "{csv}");
        let csv = stage.owner.get("/api/v1/ledger/journals/file?lang=zh", 200).await.body;
        // Three legs of the bill and two of the payment.
        assert_eq!(csv.lines().count(), 6, "{csv}");
        assert!(csv.contains(",2400,预收服务费,sub_"), "{csv}");
        for path in ["ledger/trial_balance/file", "ledger/journals/file", "statements/file"] {
            let answer = stage.owner.request(reqwest::Method::GET, &format!("/api/v1/{path}?format=xlsx")).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            assert_eq!(answer.headers()["content-type"], "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
            let bytes = answer.bytes().await.unwrap();
            assert!(bytes.starts_with(b"PK"), "{path}");
        }
        stage.owner.get("/api/v1/ledger/journals/file?format=pdf", 422).await;
        stage.stop().await;
    }

    async fn a_file_that_is_read_in_pieces_has_each_leg_once(db: TestDb) {
        let stage = stage(db).await;
        let mut tx = stage.app.state.db.begin(&stage.merchant).await.unwrap();
        // More than are read at once, all of one moment.
        for number in 0..1_010 {
            let paid = order_paid(&format!("ord_{number}"), "wechat", Fen::new(100 + number), tx.now()).unwrap();
            journal_post(&mut tx, &paid).await.unwrap();
        }
        tx.commit().await.unwrap();
        let sum = Fen::new((0..1_010).map(|number| 100 + number).sum()).to_string().replace(',', "");
        let journals = stage.owner.get("/api/v1/ledger/journals/file?lang=en", 200).await.body;
        let mut legs: Vec<&str> = journals.lines().skip(1).collect();
        assert_eq!(legs.len(), 2_020);
        legs.dedup();
        legs.sort_unstable();
        legs.dedup();
        assert_eq!(legs.len(), 2_020, "none twice");
        for code in [1030, 2020] {
            let account = account_of(&stage.owner, code).await;
            let path = format!("/api/v1/ledger/accounts/{account}/entries/file?lang=en");
            let entries = stage.owner.get(&path, 200).await.body;
            assert_eq!(entries.lines().count(), 1_013, "{code}");
            assert!(entries.ends_with(&format!(",closing,,,,,{sum}\n")), "{code}: {}", &entries[entries.len() - 200..]);
        }
        stage.stop().await;
    }

    async fn finance_staff_read_the_books_of_their_merchants_only(db: TestDb) {
        let stage = stage(db).await;
        paid_bill(&stage).await;
        let merchant = id_of(stage.merchant.tenant());
        let at = format!("/api/v1/merchants/{merchant}/ledger");
        let own = stage.owner.get("/api/v1/ledger/trial_balance", 200).await;
        let seen = stage.finance.get(&format!("{at}/trial_balance"), 200).await;
        assert_eq!(own.json("/rows"), seen.json("/rows"));
        let all = stage.finance.get("/api/v1/ledger/merchants", 200).await.json("/items");
        assert_eq!(all.as_array().unwrap().len(), 1);
        assert_eq!((all[0]["debit"]["amount"].as_i64(), all[0]["credit"]["amount"].as_i64()), (Some(FEE), Some(FEE)));
        let bank = stage.finance.get("/api/v1/ledger/merchants?account=1010&limit=1", 200).await;
        assert_eq!((bank.number("/items/0/debit/amount"), bank.number("/items/0/credit/amount")), (FEE, 0));
        assert_eq!(bank.json("/next_cursor"), Value::Null);
        stage.finance.get("/api/v1/ledger/merchants?account=1", 422).await;
        let account = account_of(&stage.owner, 1010).await;
        let entries = stage.finance.get(&format!("{at}/accounts/{account}/entries"), 200).await;
        let journal = entries.text("/items/0/journal_id");
        let found = stage.finance.get(&format!("{at}/journals/{journal}"), 200).await;
        assert_eq!(found.text("/code"), "invoice.paid");
        for file in ["trial_balance/file", "journals/file", &format!("accounts/{account}/entries/file")] {
            stage.finance.get(&format!("{at}/{file}?format=csv"), 200).await;
        }

        let sibling = stage.app.merchant(&stage.provider, "同服务商的另一商家").await;
        let beside = stage.app.person(&sibling, Role::MerchantOwner).await;
        beside.get(&format!("{at}/trial_balance"), 403).await;
        let beside = format!("/api/v1/merchants/{}/ledger", id_of(sibling.tenant()));
        stage.finance.get(&format!("{beside}/accounts/{account}/entries"), 404).await;
        stage.finance.get(&format!("{beside}/journals/{journal}"), 404).await;
        stage.finance.get(&format!("{beside}/accounts/{account}/entries/file"), 404).await;
        let other = stage.app.provider("乙服务商").await;
        let other = stage.app.person(&other, Role::ProviderFinance).await;
        for path in ["trial_balance", "trial_balance/file", "journals/file"] {
            other.get(&format!("{at}/{path}"), 404).await;
        }
        assert_eq!(other.get("/api/v1/ledger/merchants", 200).await.json("/items"), json!([]));
        stage.stop().await;
    }

    async fn figures_lead_to_the_entries_and_what_they_are_about(db: TestDb) {
        let stage = stage(db).await;
        let invoice = paid_bill(&stage).await;
        let page = async |ctx: &qianpu_tenants::context::TenantCtx, role: Role, path: &str| {
            let visitor = stage.app.visitor(ctx, role).await;
            let cookie = [("Cookie", visitor.cookie.as_str())];
            let mut answer = visitor.client.try_send(reqwest::Method::GET, path, None, &cookie).await;
            // Links as a browser reads them.
            answer.body = answer.body.replace("&#x3D;", "=");
            answer
        };
        let own = async |path: &str| page(&stage.merchant, Role::MerchantFinance, path).await;
        let trial = own("/console/merchant/money/trial_balance?at=2026-03-02").await;
        assert_eq!(trial.status, 200, "{}", trial.body);
        let account = account_of(&stage.owner, 1010).await;
        let href = "/money/accounts?code=1010&amp;from=2026-03-01&amp;to=2026-03-02";
        assert!(trial.body.contains(href) && trial.body.contains("借贷平衡"), "{}", trial.body);
        let only = own(&format!("/console/merchant{}", href.replace("&amp;", "&"))).await;
        let led = only.headers["location"].to_str().unwrap();
        assert_eq!(only.status, 303);
        assert!(led.ends_with(&format!("/money/accounts/{account}?month=2026-03")), "{led}");
        let entries = own(&format!("/console/merchant/money/accounts/{account}?month=2026-03")).await;
        assert!(entries.body.contains(&format!("/money/bills/{invoice}")), "{}", entries.body);
        assert!(entries.body.contains("/money/journals/jrn_"), "{}", entries.body);
        assert_eq!(own("/console/merchant/money/accounts?code=1").await.status, 404);

        let merchant = id_of(stage.merchant.tenant());
        // A page's links name the seat of whoever looks at it.
        let home = format!("/books/merchants/{merchant}");
        let staff =
            async |path: &str| page(&stage.provider, Role::ProviderFinance, &format!("/console/provider{path}")).await;
        let books = staff("/books").await;
        assert!(books.body.contains("/books/merchants?account=1010"), "{}", books.body);
        let merchants = staff("/books/merchants?account=1010").await;
        assert!(merchants.body.contains(&format!("{home}/accounts?code=1010")), "{}", merchants.body);
        let trial = staff(&home).await;
        assert!(trial.body.contains(&format!("{home}/accounts?code=1110")), "{}", trial.body);
        let entries = staff(&format!("{home}/accounts/{account}")).await;
        assert!(entries.body.contains(&format!("/invoices/{invoice}")), "{}", entries.body);
        let journal = entries.body.split(&format!("{home}/journals/")).nth(1).unwrap();
        let journal = journal.split('"').next().unwrap();
        let journal = staff(&format!("{home}/journals/{journal}")).await;
        assert!(journal.status == 200 && journal.body.contains("¥1,999<"), "{}", journal.body);
        stage.stop().await;
    }
}
