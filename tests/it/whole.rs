//! A merchant as a whole: an archive holds everything it has and no secret, of one moment, for its own people only.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use qianpu_api::app::whole::format::{FileLine, Manifest};
use qianpu_api::app::whole::pack::{Progress, Unseen, pack};
use qianpu_api::app::whole::plan;
use qianpu_api::error::Answer;
use qianpu_domain::access::Role;
use qianpu_tenants::whole::{Declared, Shape, shape};
use qianpu_tests::goods::Goods;
use qianpu_tests::{both, postgres, workspace};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The parts of an archive by path, read without the application.
pub(crate) fn parts(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut parts = BTreeMap::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        assert!(parts.insert(path, bytes).is_none(), "a part is there twice");
    }
    parts
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub(crate) fn manifest(parts: &BTreeMap<String, Vec<u8>>) -> Manifest {
    serde_json::from_slice(&parts["manifest.json"]).unwrap()
}

pub(crate) fn rows(parts: &BTreeMap<String, Vec<u8>>, table: &str) -> Vec<Value> {
    let text = std::str::from_utf8(&parts[&format!("tables/{table}.jsonl")]).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn all_shapes(goods: &Goods) -> Vec<Shape> {
    let tx = goods.app.state.db.read(&goods.merchant).await.unwrap();
    let mut shapes = Vec::new();
    for table in qianpu_migrations::tables() {
        shapes.push(shape(&tx, Declared { name: table.name, columns: table.columns }).await.unwrap());
    }
    shapes
}

/// Rows of the merchant in a table, past the application.
async fn stored(goods: &Goods, table: &str) -> u64 {
    let connection = postgres::connect(&goods.app.db.superuser_url()).await.unwrap();
    let backend = connection.get_database_backend();
    let sql = format!("SELECT count(*) AS n FROM {table} WHERE tenant_id = $1");
    let statement = Statement::from_sql_and_values(backend, sql, [goods.merchant.tenant().0.into()]);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    let count: i64 = row.try_get("", "n").unwrap();
    connection.close().await.unwrap();
    u64::try_from(count).unwrap()
}

/// Asks for an archive as the owner, has it made, and takes it.
async fn exported(goods: &Goods) -> (Value, Vec<u8>) {
    let asked = goods.owner.post("/api/v1/exports", &json!({}), 202).await;
    assert_eq!((asked.text("/state"), asked.text("/asked_by")), ("queued".to_owned(), "merchant".to_owned()));
    let path = format!("/api/v1/exports/{}", asked.text("/id"));
    goods.owner.get(&format!("{path}/content"), 409).await;
    goods.owner.post("/api/v1/exports", &json!({}), 409).await;
    goods.app.run_jobs().await;
    let export = goods.owner.get(&path, 200).await.json("");
    assert_eq!(export["state"], "ready", "{export}");
    let request = goods.owner.request(reqwest::Method::GET, &format!("{path}/content"));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/x-tar");
    (export, response.bytes().await.unwrap().to_vec())
}

/// Directory kinds as they stand in the source, since nothing else lists them.
fn directory_kinds() -> BTreeSet<String> {
    let source = workspace::root().join("tenants/src/store/directory.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let kind = |line: &str| {
        line.strip_prefix("pub const ")?.split_once("&str = \"")?.1.split('"').next().map(str::to_owned)
    };
    source.lines().filter_map(kind).collect()
}

both! {
    /// A new table is in the archive by itself. A new column that looks like a secret has to be decided about, in
    /// `app/whole/plan.rs`, and so has a new kind of directory key.
    async fn everything_is_decided_about(db: TestDb) {
        let goods = Goods::start(db).await;
        let shapes = all_shapes(&goods).await;
        let known: BTreeSet<&str> = shapes.iter().map(Shape::table).collect();
        let in_archive: BTreeSet<&str> = plan::tables().iter().map(|table| table.name).collect();
        let mut wrong = Vec::new();
        for shape in &shapes {
            let table = shape.table();
            match (in_archive.contains(table), plan::left_out(table)) {
                (true, None) => {}
                (false, Some(reason)) if !reason.is_empty() => continue,
                other => wrong.push(format!("{table}: {other:?}")),
            }
            if shape.position("tenant_id").is_none() {
                wrong.push(format!("{table} has no tenant"));
            }
            for column in shape.columns() {
                if plan::looks_secret(column) && plan::decided(table, &column.name).is_none() {
                    wrong.push(format!("{table}.{} looks like a secret: decide about it in plan::SECRETS", column.name));
                }
            }
        }
        for (table, column, _) in plan::SECRETS {
            if !shapes.iter().any(|shape| shape.table() == *table && shape.position(column).is_some()) {
                wrong.push(format!("{table}.{column} is decided about and not there"));
            }
        }
        wrong.extend(plan::LEFT_OUT.iter().filter(|(table, _)| !known.contains(table)).map(|(table, _)| format!("{table} is left out and not there")));
        let decided: BTreeSet<String> =
            plan::KEYS_KEPT.iter().copied().chain(plan::KEYS_LEFT.iter().map(|(kind, _)| *kind)).map(str::to_owned).collect();
        assert_eq!(directory_kinds(), decided, "kinds of directory keys, and those decided about in plan.rs");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        goods.app.stop().await;
    }

    async fn an_archive_holds_everything_and_no_secret(db: TestDb) {
        let goods = Goods::start(db).await;
        let picture = goods.picture().await;
        let mut body = Goods::simple("明前龙井", 12800, 7);
        body["pictures"] = json!([picture]);
        goods.on_sale(&body).await;
        goods.import(&goods.owner, "商品编码,商品标题,类目,规格,价格（元）,库存\nT1,高山乌龙茶,食品饮料/茶叶/乌龙茶,,128.00,20\n").await;
        goods.app.run_jobs().await;
        let (export, archive) = exported(&goods).await;
        assert_eq!(export["sha256"], sha256(&archive).as_str());
        let parts = parts(&archive);
        let manifest = manifest(&parts);
        assert_eq!((manifest.format.as_str(), manifest.format_version), ("qianpu-merchant", 1));
        assert_eq!(manifest.schema.last(), qianpu_migrations::names().last());
        assert_eq!(manifest.merchant.id, goods.merchant.tenant().to_string());
        let mut expected: BTreeSet<String> = ["manifest.json", "files.jsonl"].map(str::to_owned).into();
        for table in &manifest.tables {
            let path = format!("tables/{}.jsonl", table.name);
            assert_eq!(table.sha256, sha256(&parts[&path]), "{path}");
            assert_eq!(table.bytes, parts[&path].len() as u64, "{path}");
            let lines = rows(&parts, &table.name);
            assert_eq!(table.rows, lines.len() as u64, "{path}");
            for line in &lines {
                let names: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(names, table.columns, "{path}");
            }
            // Of the directory only what goes along; the log has grown since.
            if table.name != "global_keys" && table.name != "audit_entries" {
                assert_eq!(table.rows, stored(&goods, &table.name).await, "rows of {}", table.name);
            }
            expected.insert(path);
        }
        assert_eq!(manifest.files.sha256, sha256(&parts["files.jsonl"]));
        for line in std::str::from_utf8(&parts["files.jsonl"]).unwrap().lines() {
            let line: FileLine = serde_json::from_str(line).unwrap();
            assert!(!line.missing);
            assert_eq!(line.sha256, sha256(&parts[&format!("files/{}", line.id)]));
            expected.insert(format!("files/{}", line.id));
        }
        assert_eq!(manifest.files.count, 2, "the picture and the file of products");
        assert_eq!(parts.keys().cloned().collect::<BTreeSet<_>>(), expected, "nothing but what the manifest names");
        assert!(rows(&parts, "products").iter().any(|row| row["title"] == "高山乌龙茶" && row["category_id"]["code"].is_string()));
        // Nothing in it lets anybody in, and its rows say nothing about where they lay.
        let tables: String =
            parts.iter().filter(|(path, _)| path.starts_with("tables/")).map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect();
        for secret in ["\"password_hash\":", "token_hash", "hook_token", "csrf_token"] {
            assert!(!tables.contains(secret), "{secret}");
        }
        let provider = goods.provider.tenant().0;
        assert!(!tables.contains(&provider.simple().to_string()) && !tables.contains(&provider.to_string()));
        for key in rows(&parts, "global_keys") {
            assert!(plan::KEYS_KEPT.contains(&key["kind"].as_str().unwrap()), "{key}");
        }
        goods.app.stop().await;
    }

    async fn an_archive_is_for_its_own_people_and_for_some_days(db: TestDb) {
        let goods = Goods::start(db).await;
        let (export, _) = exported(&goods).await;
        let path = format!("/api/v1/exports/{}", export["id"].as_str().unwrap());
        let content = format!("{path}/content");
        let sibling = goods.app.merchant(&goods.provider, "另一商家").await;
        let other = goods.app.provider("乙服务商").await;
        let staff = goods.app.person(&goods.provider, Role::ProviderOwner).await;
        for stranger in [goods.app.person(&sibling, Role::MerchantOwner).await, goods.app.person(&other, Role::ProviderOwner).await] {
            stranger.get(&path, 404).await;
            stranger.get(&content, 404).await;
            assert!(stranger.get("/api/v1/exports", 200).await.json("/items").as_array().unwrap().is_empty());
            let body = json!({ "merchant_id": goods.merchant.tenant().to_string() });
            stranger.post("/api/v1/exports", &body, 404).await;
        }
        for role in [Role::MerchantManager, Role::MerchantFinance] {
            goods.app.person(&goods.merchant, role).await.get(&content, 403).await;
        }
        goods.app.anonymous().get(&content, 401).await;
        staff.get(&content, 200).await;
        staff.post("/api/v1/exports", &json!({}), 422).await;
        // The provider asks for one of its own; the merchant sees who did.
        goods.app.advance(1);
        let body = json!({ "merchant_id": goods.merchant.tenant().to_string() });
        let asked = staff.post("/api/v1/exports", &body, 202).await;
        assert_eq!(asked.text("/asked_by"), "provider");
        goods.app.run_jobs().await;
        assert_eq!(goods.owner.get("/api/v1/exports", 200).await.text("/items/0/asked_by"), "provider");
        let folder = goods.app.state.config.media_dir().join(goods.merchant.tenant().0.simple().to_string());
        let archives = || std::fs::read_dir(&folder).unwrap().filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("export-")).count();
        assert_eq!(archives(), 2, "two archives and nothing else of them");
        for _ in 0..3 {
            goods.app.advance(1);
            staff.post("/api/v1/exports", &body, 202).await;
            goods.app.run_jobs().await;
        }
        assert_eq!(archives(), 3, "the oldest go when another one is asked for");
        // Their time is over: first they cannot be taken any more, then they are gone.
        goods.app.advance(168 * 3600 + 1);
        let owner = goods.app.person(&goods.merchant, Role::MerchantOwner).await;
        owner.get(&content, 410).await;
        goods.app.run_jobs().await;
        assert_eq!(archives(), 0);
        assert_eq!(owner.get(&path, 200).await.text("/state"), "removed");
        owner.get(&content, 410).await;
        goods.app.stop().await;
    }

    /// Rows that are written while an archive is made are in it wholly or not at all.
    async fn an_archive_is_of_one_moment(db: TestDb) {
        struct Meddler<'a> {
            goods: &'a Goods,
            done: bool,
        }
        impl Progress for Meddler<'_> {
            async fn told(&mut self, _: u64, _: u64) -> Answer<bool> {
                if !std::mem::replace(&mut self.done, true) {
                    self.goods.on_sale(&Goods::simple("写到一半时的新品", 100, 1)).await;
                }
                Ok(true)
            }
        }
        let goods = Goods::start(db).await;
        goods.on_sale(&Goods::simple("原有的商品", 100, 1)).await;
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("one.tar");
        let mut meddler = Meddler { goods: &goods, done: false };
        pack(&goods.app.state, &goods.merchant, &to, &mut meddler).await.unwrap();
        assert!(meddler.done);
        let first = parts(&std::fs::read(&to).unwrap());
        assert_eq!((rows(&first, "products").len(), rows(&first, "skus").len(), rows(&first, "stocks").len()), (1, 1, 1));
        let to = folder.path().join("two.tar");
        pack(&goods.app.state, &goods.merchant, &to, &mut Unseen).await.unwrap();
        let second = parts(&std::fs::read(&to).unwrap());
        assert_eq!((rows(&second, "products").len(), rows(&second, "skus").len(), rows(&second, "stocks").len()), (2, 2, 2));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "the folder of parts is gone");
        goods.app.stop().await;
    }
}
