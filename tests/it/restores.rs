//! A merchant back from an archive: the same content whichever database it came from and goes to, with nothing active
//! in two places; and archives that somebody has tampered with are refused before anything is written.

use std::collections::BTreeMap;
use std::path::Path;

use qianpu_api::app::money::daily;
use qianpu_api::app::setup::{self, NewPerson, NewProvider};
use qianpu_api::app::whole::format::{Manifest, content_sha256};
use qianpu_api::app::whole::pack::{Unseen, pack};
use qianpu_api::app::whole::plan;
use qianpu_api::app::whole::restore::{RestoreError, Restored, restore};
use qianpu_api::demo::seed::seed;
use qianpu_api::jobs::runner;
use qianpu_domain::access::Role;
use qianpu_domain::ids::{RequestId, TenantId};
use qianpu_domain::subject::Phone;
use qianpu_tenants::clock::Clock;
use qianpu_tenants::context::{SystemCtx, TenantCtx};
use qianpu_tenants::random;
use qianpu_tenants::store::buyer::{buyer_by_phone, buyer_insert, phone_insert};
use qianpu_tests::app::TestApp;
use qianpu_tests::goods::Goods;
use qianpu_tests::rows::stored;
use qianpu_tests::sandbox::TestSandbox;
use qianpu_tests::{Backend, TestDb, both};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::whole::{manifest, parts, rows};

pub(crate) const SLUG: &str = "lvshan";
const PHONE: &str = "13800138000";

/// An installation with a provider and nobody else.
pub(crate) async fn empty(db: TestDb) -> TestApp {
    let app = TestApp::start_with(db, Clock::system(), &[]).await;
    app.operator().await;
    let owner = NewPerson {
        email: "owner@lvshan.example",
        name: "吕山",
        password: "a password for tests",
        locale: "zh",
        role: Role::ProviderOwner,
    };
    let provider = NewProvider { name: "吕山服务商", slug: SLUG, locale: "zh", staff: &[owner] };
    setup::create_provider(&app.state, &provider).await.expect("the provider");
    app
}

pub(crate) async fn acting(app: &TestApp, merchant: TenantId) -> TenantCtx {
    let system = SystemCtx::for_task("test", RequestId(random::id(app.state.clock().now())));
    TenantCtx::for_system(&app.state.db, &system, merchant).await.expect("the merchant is there")
}

pub(crate) async fn packed(app: &TestApp, merchant: TenantId, to: &Path) -> BTreeMap<String, Vec<u8>> {
    pack(&app.state, &acting(app, merchant).await, to, &mut Unseen).await.expect("an archive");
    parts(&std::fs::read(to).unwrap())
}

/// The demo's first merchant, with everything that the demo has.
pub(crate) struct Source {
    pub app: TestApp,
    pub sandbox: TestSandbox,
    pub merchant: TenantId,
    pub email: String,
    pub password: String,
}

pub(crate) async fn demo(db: TestDb) -> Source {
    let sandbox = TestSandbox::start().await;
    let settings = sandbox.demo_settings();
    let app = TestApp::start_with(db, Clock::system(), &settings).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner::run(app.state.clone(), stop.clone()));
    app.operator().await;
    let made = seed(&app.state, &sandbox.base_url).await.expect("the demo can be made");
    let login = made.logins.iter().find(|login| login.role == "merchant_owner").expect("an owner").clone();
    let me = app.api(&login.email, &login.password).await.get("/api/v1/me", 200).await;
    stop.cancel();
    running.await.unwrap();
    let merchant = me.text("/tenant/id").parse().expect("a tenant");
    Source { app, sandbox, merchant, email: login.email, password: login.password }
}

async fn there_and_back(from: TestDb, to: TestDb) {
    let source = demo(from).await;
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("there.tar");
    let there = packed(&source.app, source.merchant, &archive).await;
    let target = empty(to).await;
    let restored = restore(&target.state, &archive, SLUG).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(restored.merchant, source.merchant);
    let back = packed(&target, source.merchant, &folder.path().join("back.tar")).await;

    let (one, two) = (manifest(&there), manifest(&back));
    for (one, two) in one.tables.iter().zip(&two.tables) {
        let same = one.sha256 == two.sha256 || plan::GOES_ON.contains(&one.name.as_str());
        assert!(
            same,
            "{} is not the same:\n{:?}\n{:?}",
            one.name,
            rows(&there, &one.name),
            rows(&back, &one.name)
        );
    }
    assert_eq!(one.content_sha256, two.content_sha256);
    assert!(
        one.tables.iter().filter(|table| table.rows > 0).count() > 25,
        "the demo has rows in most tables"
    );
    let (log, longer) = (rows(&there, "audit_entries"), rows(&back, "audit_entries"));
    let own: Vec<&Value> = longer.iter().filter(|entry| log.contains(entry)).collect();
    assert_eq!(own.len(), log.len(), "the log is there");
    assert!(longer.iter().any(|entry| entry["action"] == "merchant.restored"));
    for (path, bytes) in there.iter().filter(|(path, _)| path.starts_with("files/")) {
        assert_eq!(back.get(path), Some(bytes), "{path}");
    }

    // Nobody gets in with what was known elsewhere, and the accounts wait for their authorisation.
    let body = json!({ "email": source.email, "password": source.password });
    let refused = target.anonymous().post("/api/v1/auth/login", &body, 401).await;
    assert_eq!(refused.code(), "wrong_credentials");
    let owner = target.person(&acting(&target, source.merchant).await, Role::MerchantOwner).await;
    let accounts = owner.get("/api/v1/channel_accounts?limit=100", 200).await.json("/items");
    let accounts = accounts.as_array().unwrap();
    assert!(
        !accounts.is_empty() && accounts.iter().all(|account| account["state"] == "expired"),
        "{accounts:?}"
    );
    // Every report says the same there as here: balances, journals, bills, deposits, the month's statement.
    let here = source.app.person(&acting(&source.app, source.merchant).await, Role::MerchantOwner).await;
    let month = &source.app.state.clock().now().to_string()[..7];
    let statement = format!("statements?month={month}");
    for path in
        ["ledger/accounts", "ledger/summary", "ledger/journals?limit=100", "invoices", "deposits", &statement]
    {
        let path = format!("/api/v1/{path}");
        let (before, after) = (here.get(&path, 200).await.json(""), owner.get(&path, 200).await.json(""));
        assert_eq!(before, after, "{path}");
    }
    // It goes on: pages, the storefront, the jobs that follow from its rows and no others.
    let shop = owner.get("/api/v1/shops", 200).await;
    let storefront = format!("/s/{}/", shop.text("/items/0/slug"));
    target.anonymous().get(&storefront, 200).await;
    for path in ["orders", "products", "invoices", "deposits", "ledger/accounts", "listings", "staff"] {
        owner.get(&format!("/api/v1/{path}"), 200).await;
    }
    let jobs = owner.get("/api/v1/jobs?limit=100", 200).await.json("/items");
    for job in jobs.as_array().unwrap() {
        let kind = job["kind"].as_str().unwrap();
        assert!(
            ["ledger.check", "invoice.issue", "invoice.fall_due", "subscription.earn", "order.settle"]
                .contains(&kind),
            "{kind}"
        );
    }
    assert!(jobs.as_array().unwrap().iter().any(|job| job["kind"] == "invoice.issue"));
    target.run_jobs().await;
    // Its journals are chained anew, each once.
    let found = daily::check(&target.state, &acting(&target, source.merchant).await).await.unwrap();
    assert!(found.is_empty(), "{found:?}");
    let booked = stored(&target.db, Some(source.merchant.0)).await;
    assert_eq!(booked["journal_links"].len(), booked["journals"].len());
    assert!(!booked["journals"].is_empty());
    let dead = owner.get("/api/v1/jobs?state=dead", 200).await.json("/items");
    assert!(dead.as_array().unwrap().is_empty(), "{dead}");
    // A second time it is refused.
    let error = restore(&target.state, &archive, SLUG).await.unwrap_err().to_string();
    assert!(error.contains("is here already"), "{error}");
    target.stop().await;
    source.app.stop().await;
    source.sandbox.stop().await;
}

both! {
    async fn a_merchant_comes_back_the_same(db: TestDb) {
        let other = match db.backend() {
            Backend::Sqlite => Some(TestDb::sqlite().await),
            Backend::Postgres => TestDb::postgres("restores::a_merchant_comes_back_the_same").await,
        };
        if let Some(other) = other {
            there_and_back(db, other).await;
        }
    }

    async fn a_merchant_goes_over_to_the_other_engine(db: TestDb) {
        let other = match db.backend() {
            Backend::Sqlite => TestDb::postgres("restores::a_merchant_goes_over_to_the_other_engine").await,
            Backend::Postgres => Some(TestDb::sqlite().await),
        };
        if let Some(other) = other {
            there_and_back(db, other).await;
        }
    }
}

/// An archive taken apart, to be put together as somebody else would.
#[derive(Clone)]
pub(crate) struct Forged {
    parts: Vec<(String, Vec<u8>)>,
}

impl Forged {
    fn of(archive: &[u8]) -> Forged {
        let mut parts = Vec::new();
        for entry in tar::Archive::new(archive).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            parts.push((path, bytes));
        }
        Forged { parts }
    }

    fn part(&mut self, path: &str) -> &mut Vec<u8> {
        &mut self.parts.iter_mut().find(|(own, _)| own == path).unwrap().1
    }

    fn manifest(&mut self, change: impl FnOnce(&mut Value)) {
        let text = self.part("manifest.json");
        let mut value: Value = serde_json::from_slice(text).unwrap();
        change(&mut value);
        *text = serde_json::to_vec(&value).unwrap();
    }

    /// Changes the lines of a table, and makes the manifest fit again: whoever forges knows how to hash.
    fn lines(&mut self, table: &str, change: impl FnOnce(&mut Vec<Value>)) {
        let part = self.part(&format!("tables/{table}.jsonl"));
        let mut lines: Vec<Value> = std::str::from_utf8(part)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        change(&mut lines);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        *part = text.into_bytes();
        self.fit(table, lines.len());
    }

    fn fit(&mut self, table: &str, rows: usize) {
        let part = self.part(&format!("tables/{table}.jsonl")).clone();
        let mut manifest: Manifest = serde_json::from_slice(self.part("manifest.json")).unwrap();
        let own = manifest.tables.iter_mut().find(|own| own.name == table).unwrap();
        own.rows = rows as u64;
        own.bytes = part.len() as u64;
        own.sha256 = hex::encode(Sha256::digest(&part));
        manifest.content_sha256 = content_sha256(&manifest.tables, &manifest.files, plan::GOES_ON);
        *self.part("manifest.json") = serde_json::to_vec(&manifest).unwrap();
    }

    fn archive(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, bytes) in &self.parts {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            // Past the checks of the writer, which would not write such paths.
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            tar.append(&header, bytes.as_slice()).unwrap();
        }
        tar.into_inner().unwrap()
    }
}

async fn tried(app: &TestApp, archive: &[u8]) -> Result<Restored, RestoreError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forged.tar");
    std::fs::write(&path, archive).unwrap();
    restore(&app.state, &path, SLUG).await
}

async fn refused(app: &TestApp, what: &str, archive: &[u8], expected: &str) {
    match tried(app, archive).await {
        Err(RestoreError::Refused(lines)) => {
            let text = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            assert!(text.contains(expected), "{what}: refused with {text:?}, expected {expected:?}");
        }
        other => panic!("{what}: expected a refusal with {expected:?}, got {other:?}"),
    }
    let media = app.state.config.media_dir();
    let left = std::fs::read_dir(&media).map_or(0, Iterator::count);
    assert_eq!(left, 0, "{what}: something was left in the folder of files");
}

/// A small merchant's archive.
pub(crate) async fn small(db: TestDb) -> (Goods, Forged, Vec<u8>) {
    let goods = Goods::start(db).await;
    let mut body = Goods::simple("明前龙井", 12800, 7);
    body["pictures"] = json!([goods.picture().await]);
    goods.on_sale(&body).await;
    let mut tx = goods.app.state.db.begin(&goods.merchant).await.unwrap();
    let buyer = buyer_insert(&mut tx, goods.shop, "王晓", "zh").await.unwrap();
    let phone = Phone::parse(PHONE).unwrap();
    assert!(phone_insert(&mut tx, &goods.app.state.keys.sealer, &buyer, &phone).await.unwrap());
    tx.commit().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("small.tar");
    packed(&goods.app, goods.merchant.tenant(), &to).await;
    let archive = std::fs::read(&to).unwrap();
    (goods, Forged::of(&archive), archive)
}

pub(crate) async fn second(backend: Backend, test: &str) -> Option<TestDb> {
    match backend {
        Backend::Sqlite => Some(TestDb::sqlite().await),
        Backend::Postgres => TestDb::postgres(test).await,
    }
}

both! {
    async fn archives_that_were_tampered_with_are_refused(db: TestDb) {
        let Some(other) = second(db.backend(), "restores::archives_that_were_tampered_with").await else { return };
        let (goods, whole, archive) = small(db).await;
        let app = empty(other).await;
        let forged = |change: &dyn Fn(&mut Forged)| {
            let mut forged = whole.clone();
            change(&mut forged);
            forged.archive()
        };

        // The container.
        refused(&app, "nothing", b"", "empty").await;
        refused(&app, "no tar", &[7; 4096], "cannot be read").await;
        refused(&app, "cut off", &archive[..archive.len() / 2], "").await;
        let up = forged(&|f| f.parts.insert(1, ("../../evil".to_owned(), b"x".to_vec())));
        refused(&app, "a path that leads out", &up, "is no path of an archive").await;
        let absolute = forged(&|f| f.parts.insert(1, ("/etc/evil".to_owned(), b"x".to_vec())));
        refused(&app, "a path from the root", &absolute, "is no path of an archive").await;
        let extra = forged(&|f| f.parts.push(("files/extra".to_owned(), b"x".to_vec())));
        refused(&app, "a part too many", &extra, "follows the last part").await;
        let fewer = forged(&|f| drop(f.parts.pop()));
        refused(&app, "a part too few", &fewer, "is missing").await;
        for kind in [tar::EntryType::Symlink, tar::EntryType::GNULongName, tar::EntryType::XHeader, tar::EntryType::GNUSparse] {
            let mut tar = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(0);
            header.set_path("manifest.json").unwrap();
            header.set_cksum();
            tar.append(&header, std::io::empty()).unwrap();
            refused(&app, "no plain file", &tar.into_inner().unwrap(), "is no plain file").await;
        }

        // The manifest.
        refused(&app, "another format", &forged(&|f| f.manifest(|m| m["format"] = json!("zip"))), "no archive of a merchant").await;
        refused(&app, "another version", &forged(&|f| f.manifest(|m| m["format_version"] = json!(2))), "format version 2").await;
        refused(&app, "a field more", &forged(&|f| f.manifest(|m| m["run"] = json!("rm"))), "unknown field").await;
        let newer = forged(&|f| f.manifest(|m| m["schema"].as_array_mut().unwrap().push(json!("m9999_later"))));
        refused(&app, "a later release", &newer, "m9999_later").await;
        let changed = forged(&|f| f.part("tables/products.jsonl")[20] ^= 1);
        refused(&app, "a changed byte", &changed, "was changed").await;
        let path = whole.parts.iter().map(|(path, _)| path.clone()).find(|path| path.starts_with("files/")).unwrap();
        refused(&app, "a changed file", &forged(&|f| f.part(&path)[0] ^= 1), "was changed").await;
        let table = forged(&|f| f.manifest(|m| m["tables"][3]["name"] = json!("sessions")));
        refused(&app, "a table that is not in archives", &table, "there is no table").await;
        let elsewhere = forged(&|f| f.manifest(|m| m["merchant"]["id"] = json!("ten_1")));
        refused(&app, "no merchant", &elsewhere, "names no merchant").await;

        // The rows, with hashes that fit.
        let row = |table: &'static str, column: &'static str, value: Value| {
            forged(&move |f| f.lines(table, |lines| lines[0][column] = value.clone()))
        };
        refused(&app, "a column", &row("products", "run_as", json!("root")), "there is no column").await;
        refused(&app, "a foreign tenant", &row("products", "tenant_id", json!(goods.provider.tenant().0.to_string())), "does not say whose it is").await;
        refused(&app, "a foreign provider", &row("shops", "provider_id", json!(goods.provider.tenant().0.to_string())), "does not say whose it is").await;
        refused(&app, "a kind", &row("skus", "price_fen", json!("1 OR 1=1")), "is not what the column holds").await;
        refused(&app, "a float", &row("skus", "price_fen", json!(1.5)), "is not what the column holds").await;
        refused(&app, "nothing where something has to be", &row("products", "title", Value::Null), "has to have a value").await;
        refused(&app, "a password", &row("users", "password_hash", json!("$argon2id$x")), "there is no column").await;
        refused(&app, "an operator", &row("tenants", "kind", json!("operator")), "only a merchant").await;
        refused(&app, "a script", &row("media", "content_type", json!("text/html")), "cannot be uploaded").await;
        refused(&app, "a price of nothing", &row("skus", "price_fen", json!(0)), "breaks a rule").await;
        let nowhere = json!(random::id(app.state.clock().now()).to_string());
        refused(&app, "a row that names none", &row("skus", "product_id", nowhere.clone()), "is not in the archive").await;
        refused(&app, "a key to nowhere", &row("global_keys", "target_id", nowhere), "points to no row").await;
        refused(&app, "a key of another kind", &row("global_keys", "kind", json!("provider_slug")), "no key that goes along").await;
        let twice = forged(&|f| f.lines("products", |lines| lines.push(lines[0].clone())));
        refused(&app, "a row twice", &twice, "is there twice").await;
        let long = forged(&|f| {
            let line = format!("{{\"id\":\"{}\"}}\n", "x".repeat(9 * 1024 * 1024));
            *f.part("tables/products.jsonl") = line.into_bytes();
            f.fit("products", 1);
        });
        refused(&app, "a line without end", &long, "a line is longer").await;
        let count = forged(&|f| f.fit("products", 9));
        refused(&app, "another count", &count, "rows and not 9").await;
        let account = json!({ "id": random::id(app.state.clock().now()).to_string(), "code": 2010, "currency": "CNY", "owner_key": "",
            "side": "credit", "floor": "zero", "state": "open", "balance_fen": 1_000_000, "version": 1, "created_at": 1, "updated_at": 1 });
        let rich = forged(&move |f| f.lines("ledger_accounts", |lines| lines.push(account.clone())));
        refused(&app, "money from nowhere", &rich, "the books are not in order").await;

        // And as it was it comes. A buyer is found by the phone there as well, under another key.
        let restored = tried(&app, &archive).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(restored.merchant, goods.merchant.tenant());
        let phone = Phone::parse(PHONE).unwrap();
        let there = acting(&app, restored.merchant).await;
        let tx = app.state.db.read(&there).await.unwrap();
        let found = buyer_by_phone(&tx, &app.state.keys.sealer, goods.shop, &phone).await.unwrap();
        drop(tx);
        assert!(found.is_some(), "the buyer is found by the phone");
        app.stop().await;
        goods.app.stop().await;
    }

    async fn what_is_taken_is_told_in_one_list(db: TestDb) {
        let Some(other) = second(db.backend(), "restores::what_is_taken_is_told").await else { return };
        let (goods, _, archive) = small(db).await;
        let app = empty(other).await;
        let error = tried(&goods.app, &archive).await.unwrap_err().to_string();
        assert!(error.contains("there is no provider"), "{error}");
        // The same merchant under another id: its people and its shop are taken.
        restore_renamed(&app, &archive).await;
        let error = tried(&app, &archive).await.unwrap_err().to_string();
        for taken in ["log-in e-mail", "address of a shop", "name of a shop"] {
            assert!(error.contains(taken), "{taken} in {error}");
        }
        app.stop().await;
        goods.app.stop().await;
    }

    async fn an_archive_that_is_too_large_is_not_read(db: TestDb) {
        let Some(other) = second(db.backend(), "restores::an_archive_that_is_too_large").await else { return };
        let (goods, _, _) = small(db).await;
        let app = empty(other).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.tar");
        // Only as large as it says; the disk does not notice.
        std::fs::File::create(&path).unwrap().set_len((app.state.config.exports.max_restore_gigabytes << 30) + 1).unwrap();
        let error = restore(&app.state, &path, SLUG).await.unwrap_err().to_string();
        assert!(error.contains("more than the"), "{error}");
        app.stop().await;
        goods.app.stop().await;
    }
}

async fn restore_renamed(app: &TestApp, archive: &[u8]) {
    let mut forged = Forged::of(archive);
    let id = TenantId(random::id(app.state.clock().now()));
    forged.manifest(|manifest| manifest["merchant"]["id"] = json!(id.to_string()));
    tried(app, &forged.archive()).await.unwrap_or_else(|error| panic!("{error}"));
}
