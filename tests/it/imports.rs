//! Files of products: every encoding people send, a result per row, nothing twice after a crash, bounded.

use encoding_rs::GB18030;
use qianpu_api::app::imports::runner;
use qianpu_domain::access::Role;
use qianpu_domain::ids::RequestId;
use qianpu_tenants::jobs::job_claim;
use qianpu_tests::both;
use qianpu_tests::goods::Goods;
use serde_json::{Value, json};

/// Columns of a file of products.
pub const HEADER: &str = "商品编码,商品标题,类目,规格,价格（元）,库存\n";

async fn results(goods: &Goods, id: &str) -> Vec<String> {
    let rows = goods.owner.get(&format!("/api/v1/imports/{id}/rows?limit=100"), 200).await.json("/items");
    let told = |row: &Value| {
        let errors: Vec<String> = row["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| format!("{} {}", error["column"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect();
        format!("{} {} {}", row["row"], row["outcome"].as_str().unwrap(), errors.join(", "))
            .trim_end()
            .to_owned()
    };
    rows.as_array().unwrap().iter().map(told).collect()
}

async fn products(goods: &Goods) -> usize {
    goods.owner.get("/api/v1/products?limit=100", 200).await.json("/items").as_array().unwrap().len()
}

both! {
    async fn a_file_with_good_and_bad_rows(db: TestDb) {
        let goods = Goods::start(db).await;
        let file = format!(
            "{HEADER}T1,高山乌龙茶,食品饮料/茶叶/乌龙茶,,128.00,20\n\
             T2,纯棉短袖T恤,10.01.02,颜色:白;尺码:M,59.90,3\nT2,,,颜色:白;尺码:L,59.90,4\n\
             T3,=cmd|'/c calc'!A1,,,1,1\nT4,智能手机,50.02.01,,1,1\nT5,没有价格的茶,,,abc,1\n,没有编码的茶,,,1,1\n\
             T6,纯棉长袖T恤,,颜色:白,1,1\nT6,,,颜色:黑,0,1\n,,,,,\nT1,又是乌龙茶,,,1,1\nT7,库存为负的茶,,,1,-1\nT8,全角价格的茶,,,１２,1\nT9,不存在的类目,某某,,1,1\n"
        );
        let started = goods.import(&goods.owner, file).await;
        assert_eq!(started.status, 202, "{}", started.body);
        let id = started.text("/id");
        assert_eq!((started.text("/state"), started.number("/total_rows")), ("queued".to_owned(), 13));
        goods.app.run_jobs().await;
        let import = goods.owner.get(&format!("/api/v1/imports/{id}"), 200).await;
        assert_eq!(import.text("/state"), "done");
        assert_eq!((import.number("/done_rows"), import.number("/ok_rows"), import.number("/failed_rows")), (13, 3, 10));
        assert_eq!(
            results(&goods, &id).await,
            [
                "2 ok", "3 ok", "4 ok", "5 failed title formula", "6 failed category not_open", "7 failed price amount",
                "8 failed product_code required", "9 failed product_code other_row", "10 failed price range",
                "12 failed product_code not_adjacent", "13 failed stock range", "14 failed price full_width", "15 failed category unknown",
            ]
        );
        let failed = goods.owner.get(&format!("/api/v1/imports/{id}/rows?outcome=failed&limit=4&lang=en"), 200).await;
        assert_eq!(failed.json("/items").as_array().unwrap().len(), 4);
        assert_eq!(failed.text("/next_cursor"), "8");
        assert_eq!(failed.text("/items/0/errors/0/message"), "a text must not begin with = + - @ or a tab");
        assert_eq!(products(&goods).await, 2);
        let shirt = goods.owner.get("/api/v1/products?search=T2", 200).await;
        let shirt = goods.owner.get(&format!("/api/v1/products/{}", shirt.text("/items/0/id")), 200).await;
        assert_eq!((shirt.text("/skus/1/values/1"), shirt.number("/skus/1/stock/on_hand")), ("L".to_owned(), 4));
        // The results as a file: with a mark, and without anything a spreadsheet would run.
        let result = goods.owner.get(&format!("/api/v1/imports/{id}/result.csv"), 200).await;
        assert!(result.body.starts_with('\u{FEFF}'), "{}", result.body);
        assert!(result.body.contains("'=cmd") && !result.body.contains(",=cmd"));
        assert_eq!(result.body.lines().count(), 14, "{}", result.body);
        assert!(result.body.contains("价格至少为0.01元"));
        // The same file again: the codes are taken, nothing is doubled.
        let again = goods.import(&goods.owner, format!("{HEADER}T1,高山乌龙茶,,,128.00,20\n")).await.text("/id");
        goods.app.run_jobs().await;
        assert_eq!(results(&goods, &again).await, ["2 failed product_code taken"]);
        assert_eq!(products(&goods).await, 2);
        let packer = goods.app.person(&goods.merchant, Role::MerchantOrders).await;
        packer.get(&format!("/api/v1/imports/{id}"), 404).await;
        assert_eq!(goods.import(&packer, HEADER).await.status, 403);
    }

    async fn encodings_and_faults_of_the_whole_file(db: TestDb) {
        let goods = Goods::start(db).await;
        let row = |code: &str| format!("{HEADER}{code},高山乌龙茶𠮷,,,128.00,20\n");
        let utf16 = [b"\xFF\xFE".as_slice(), &row("X").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()].concat();
        for (bytes, encoding) in [
            (row("A1").into_bytes(), "utf-8"),
            (format!("\u{FEFF}{}", row("A2")).into_bytes(), "utf-8"),
            (GB18030.encode(&row("A3")).0.into_owned(), "gb18030"),
            (row("A4").replace('\n', "\r\n").into_bytes(), "utf-8"),
            (row("A5").replace(',', "\t").into_bytes(), "utf-8"),
            ("product_code,Title,Price (yuan),Stock,colour\nA6,Mountain oolong,12.8,1,red\n".into(), "utf-8"),
        ] {
            let started = goods.import(&goods.owner, bytes).await;
            assert_eq!(started.status, 202, "{}", started.body);
            assert_eq!(started.text("/encoding"), encoding);
            goods.app.run_jobs().await;
            assert_eq!(results(&goods, &started.text("/id")).await, ["2 ok"]);
        }
        let titles = goods.owner.get("/api/v1/products?search=乌龙茶𠮷", 200).await.json("/items");
        assert_eq!(titles.as_array().unwrap().len(), 5, "decoded alike: {titles}");
        let rows = (0..100_001).map(|number| format!("C{number},高山乌龙茶,,,1,1\n"));
        let many: String = std::iter::once(HEADER.to_owned()).chain(rows).collect();
        for (bytes, code, says) in [
            (utf16, "import_encoding", "UTF-16"),
            (b"PK\x03\x04 not a text".to_vec(), "import_encoding", "Excel"),
            (b"\xFF\xFF\xFF,\xFE\n".to_vec(), "import_encoding", "CSV UTF-8"),
            ("标题,库存\n茶,1\n".into(), "import_columns", "商品编码 (product_code), 价格 (price)"),
            ("商品编码,标题,价格,库存,标题\nA,B,1,1,C\n".into(), "import_columns", "标题 (title)"),
            (HEADER.into(), "import_empty", ""),
            (Vec::new(), "invalid_field", ""),
            (many.into_bytes(), "import_too_many_rows", "100000"),
        ] {
            let refused = goods.import(&goods.owner, bytes).await;
            assert_eq!((refused.status, refused.code().as_str()), (422, code), "{}", refused.body);
            assert!(refused.json("/detail").as_str().unwrap_or_default().contains(says), "{}", refused.body);
        }
        let huge = goods.import(&goods.owner, vec![b'a'; 17 * 1024 * 1024]).await;
        assert_eq!((huge.status, huge.code().as_str()), (413, "payload_too_large"));
        let template = goods.owner.get("/api/v1/imports/template.csv?kind=products", 200).await;
        assert!(template.body.starts_with('\u{FEFF}'));
        let started = goods.import(&goods.owner, template.body).await;
        goods.app.run_jobs().await;
        assert_eq!(results(&goods, &started.text("/id")).await, ["2 ok", "3 ok", "4 ok"], "the template imports as it is");
        goods.owner.get("/api/v1/imports/template.csv?kind=x", 422).await;
    }

    async fn a_worker_that_dies_loses_and_doubles_nothing(db: TestDb) {
        let goods = Goods::start(db).await;
        let rows: String = (0..60).map(|n| format!("C{n},高山乌龙茶 {n},,,1,1\n")).collect();
        let id = goods.import(&goods.owner, format!("{HEADER}{rows}")).await.text("/id");
        let path = format!("/api/v1/imports/{id}");
        let state = &goods.app.state;
        let request = RequestId(state.new_id());
        let claimed = job_claim(&state.db, 1, request).await.unwrap();
        // The first worker is gone in the middle of the file.
        let cut = async {
            while goods.owner.get(&path, 200).await.number("/done_rows") < 5 {}
        };
        tokio::select! {
            _ = runner::run(state, &claimed[0]) => panic!("the import was too fast for this test"),
            () = cut => {}
        }
        let begun = goods.owner.get(&path, 200).await;
        assert_eq!(begun.text("/state"), "running");
        assert!(begun.number("/done_rows") < 60, "{}", begun.body);
        goods.app.advance(300);
        goods.app.run_jobs().await;
        let done = goods.owner.get(&path, 200).await;
        assert_eq!((done.text("/state"), done.number("/ok_rows"), done.number("/failed_rows")), ("done".to_owned(), 60, 0));
        assert_eq!(products(&goods).await, 60);
        assert!(results(&goods, &id).await.iter().all(|row| row.ends_with("ok")));
    }

    async fn an_import_can_be_stopped(db: TestDb) {
        let goods = Goods::start(db).await;
        let id = goods.import(&goods.owner, format!("{HEADER}A,高山乌龙茶,,,1,1\n")).await.text("/id");
        let path = format!("/api/v1/imports/{id}/cancel");
        assert_eq!(goods.owner.post(&path, &json!({}), 200).await.text("/state"), "cancelled");
        assert_eq!(goods.owner.post(&path, &json!({}), 409).await.code(), "import_over");
        goods.app.run_jobs().await;
        assert_eq!(products(&goods).await, 0);
        let result = goods.owner.get(&format!("/api/v1/imports/{id}/result.csv?lang=en"), 200).await;
        assert!(result.body.contains("2,waiting,,,A,"), "{}", result.body);
    }
}
