//! Third-party plugins from the operator's side: taking in, agreeing to hosts, putting in force, going back, the folder.
//! The plugin is the WeChat shop as a component, which stands in the place of the built-in one and does the same: the
//! registry is the process's, and other tests run beside these.

use qianpu_api::app::plugins;
use qianpu_api::app::setup::{self, NewPerson};
use qianpu_domain::access::Role;
use qianpu_domain::shop::ShopState;
use qianpu_tenants::store::directory;
use qianpu_tests::app::TestApp;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::{Answer, Client};
use qianpu_tests::stage::{Stage, shop};
use qianpu_tests::{both, components};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const PLUGINS: &str = "/api/v1/plugins";
const SLUG: &str = "wechat-store";
const PASSWORD: &str = "a password for tests";

/// One installation at a time: they share the process's registry.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn operator(app: &TestApp) -> Client {
    let at = app.operator().await;
    app.person(&at, Role::OperatorOwner).await
}

async fn upload(client: &Client, bytes: Vec<u8>) -> Answer {
    let form = Form::new().part("file", Part::bytes(bytes).file_name("plugin.wasm"));
    let sent = client.request(Method::POST, PLUGINS).multipart(form).send().await;
    Answer::of(sent.expect("an answer")).await
}

fn activation(version: &Value) -> Value {
    json!({ "slug": version["slug"], "sha256": version["sha256"], "hosts": version["hosts"] })
}

async fn in_force(client: &Client) -> Option<String> {
    let listed = client.get(PLUGINS, 200).await.json("/items");
    let versions = listed.as_array()?.iter().flat_map(|plugin| plugin["versions"].as_array().unwrap());
    let mut active = versions.filter(|version| version["state"] == "active");
    let found = active.next().map(|version| version["sha256"].as_str().unwrap().to_owned());
    assert!(active.next().is_none(), "{listed}");
    found
}

async fn actions(client: &Client) -> Vec<String> {
    let entries = client.get("/api/v1/audit_entries", 200).await.json("/items");
    let entries =
        entries.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned());
    entries.filter(|action| action.starts_with("plugin.")).collect()
}

both! {
    async fn a_version_is_in_force_after_its_hosts_were_agreed_to_and_can_be_gone_back_from(db: TestDb) {
        let _alone = ALONE.lock().await;
        let app = TestApp::start(db).await;
        let client = operator(&app).await;
        let bytes = components::bytes("wechat_store");

        let refused = upload(&client, b"not a component".to_vec()).await;
        assert_eq!((refused.status, refused.json("/errors/0/code")), (422, json!("unusable")));

        let first = upload(&client, bytes.clone()).await;
        assert_eq!(first.status, 201, "{}", first.body);
        let first = first.json("");
        assert_eq!(first["state"], "new");
        assert_eq!(first["hosts"][0], "https://api.weixin.qq.com");
        assert_eq!(in_force(&client).await, None);

        let mut other = activation(&first);
        other["hosts"] = json!(["https://api.weixin.qq.com"]);
        let refused = client.post(&format!("{PLUGINS}/activations"), &other, 409).await;
        assert_eq!(refused.code(), "plugin_refused");
        client.post(&format!("{PLUGINS}/activations"), &activation(&first), 200).await;
        assert_eq!(in_force(&client).await.as_deref(), first["sha256"].as_str());

        // The second version is taken in without disturbing the first.
        let second = upload(&client, components::another_version(&bytes, b'2')).await.json("");
        assert_eq!(in_force(&client).await.as_deref(), first["sha256"].as_str());
        client.post(&format!("{PLUGINS}/activations"), &activation(&second), 200).await;
        assert_eq!(in_force(&client).await.as_deref(), second["sha256"].as_str());

        let back = json!({ "slug": SLUG });
        client.post(&format!("{PLUGINS}/roll_backs"), &back, 200).await;
        assert_eq!(in_force(&client).await.as_deref(), first["sha256"].as_str());
        client.post(&format!("{PLUGINS}/roll_backs"), &back, 409).await;

        let removal = |version: &Value| json!({ "slug": SLUG, "sha256": version["sha256"] });
        client.post(&format!("{PLUGINS}/removals"), &removal(&first), 409).await;
        client.post(&format!("{PLUGINS}/removals"), &removal(&second), 204).await;
        client.post(&format!("{PLUGINS}/removals"), &removal(&second), 404).await;
        client.post(&format!("{PLUGINS}/stops"), &back, 204).await;
        assert_eq!(in_force(&client).await, None);
        client.post(&format!("{PLUGINS}/stops"), &back, 404).await;

        let mut expected = vec![
            "plugin.added", "plugin.activated", "plugin.added", "plugin.activated", "plugin.rolled_back",
            "plugin.removed", "plugin.stopped",
        ];
        let mut noted = actions(&client).await;
        expected.sort_unstable();
        noted.sort_unstable();
        assert_eq!(noted, expected);
        app.stop().await;
    }

    async fn a_file_in_the_folder_is_live_and_survives_a_restart(db: TestDb) {
        let _alone = ALONE.lock().await;
        let app = TestApp::start(db).await;
        let client = operator(&app).await;
        let folder = app.state.config.app.data_dir.join("plugins");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("broken.wasm"), b"\0asm broken").unwrap();
        std::fs::write(folder.join("notes.txt"), b"not looked at").unwrap();
        let bytes = components::bytes("wechat_store");
        std::fs::write(folder.join("shop.wasm"), &bytes).unwrap();
        plugins::look(&app.state).await;

        let first = in_force(&client).await.expect("the file is in force");
        let refused = client.get(PLUGINS, 200).await.json("/refused");
        assert_eq!(refused.as_array().unwrap().len(), 1, "{refused}");
        assert_eq!(refused[0]["file"], "broken.wasm");

        // Another file in its place is the next version; going back holds although the file is still there.
        std::fs::write(folder.join("shop.wasm"), components::another_version(&bytes, b'3')).unwrap();
        plugins::look(&app.state).await;
        assert_ne!(in_force(&client).await.as_ref(), Some(&first));
        client.post(&format!("{PLUGINS}/roll_backs"), &json!({ "slug": SLUG }), 200).await;
        plugins::look(&app.state).await;
        assert_eq!(in_force(&client).await.as_ref(), Some(&first));

        // A program that starts finds what was in force; a file that was changed meanwhile is not taken.
        let again = qianpu_host::plugins::Plugins::new(folder.clone());
        again.start().unwrap();
        assert_eq!(again.list().len(), 1);
        std::fs::write(folder.join(format!("store/{first}.wasm")), b"changed").unwrap();
        assert!(again.activate(SLUG, &first, &again.list()[0].releases[0].0.hosts).is_err());

        client.post(&format!("{PLUGINS}/stops"), &json!({ "slug": SLUG }), 204).await;
        app.stop().await;
    }

    async fn the_page_shows_hosts_and_puts_in_force(db: TestDb) {
        let _alone = ALONE.lock().await;
        let app = TestApp::start(db).await;
        let person = operator(&app).await;
        let ops = NewPerson {
            email: "ops@qianpu.test", name: "江川", password: PASSWORD, locale: "zh", role: Role::OperatorOwner,
        };
        setup::add_operator(&app.state, &ops).await.unwrap();
        let mut browser = Browser::new(&app.base_url);
        browser.open("/console/login", 200).await;
        browser.submit("/console/login", &[("email", ops.email), ("password", PASSWORD)], 200).await;
        let at = "/console/operator/plugins";
        browser.open(at, 200).await;
        browser.upload(at, &[], b"not a component", 422).await;
        assert!(browser.html.contains("不是可用的插件"), "{}", browser.html);
        browser.upload(at, &[], &components::bytes("wechat_store"), 200).await;
        assert!(browser.html.contains("https://api.weixin.qq.com"), "{}", browser.html);
        assert_eq!(in_force(&person).await, None);
        let made = person.get(PLUGINS, 200).await.json("/items/0/versions/0");
        let hosts: Vec<&str> = made["hosts"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let sha256 = made["sha256"].as_str().unwrap();
        let fields = |hosts| [("slug", SLUG), ("sha256", sha256), ("hosts", hosts)];
        browser.submit(&format!("{at}/activate"), &fields("https://elsewhere.example"), 422).await;
        browser.submit(&format!("{at}/activate"), &fields(hosts.join(" ").as_str()), 200).await;
        assert_eq!(in_force(&person).await.as_deref(), Some(sha256));
        browser.submit(&format!("{at}/stop"), &[("slug", SLUG)], 200).await;
        assert_eq!(in_force(&person).await, None);
        browser.submit(&format!("{at}/remove"), &[("slug", SLUG), ("sha256", sha256)], 200).await;
        assert!(!browser.html.contains("api.weixin.qq.com"), "{}", browser.html);
        app.stop().await;
    }

    async fn what_accounts_use_is_stopped_only_when_that_is_said(db: TestDb) {
        let _alone = ALONE.lock().await;
        let stage = Stage::start(db).await;
        let client = operator(&stage.app).await;
        let bytes = components::bytes("wechat_store");
        let version = upload(&client, bytes).await.json("");
        client.post(&format!("{PLUGINS}/activations"), &activation(&version), 200).await;
        let counts = async || {
            let listed = client.get(PLUGINS, 200).await.json("/items/0");
            (listed["linked_accounts"].as_i64().unwrap(), listed["linked_merchants"].as_i64().unwrap())
        };
        assert_eq!(counts().await, (0, 0));
        stage.direct_store("山前茶铺").await;
        stage.direct_store("山后茶铺").await;
        let merchant = stage.app.merchant(&stage.provider, "乙商家").await;
        let owner = stage.app.person(&merchant, Role::MerchantOwner).await;
        let place = shop(&stage.app, &merchant, "乙家小铺", "enterprise", ShopState::Trading).await;
        let third = stage.direct_store_by(&owner, place, "乙家茶铺").await;
        assert_eq!(counts().await, (3, 2));
        // An account that was unlinked is none of them.
        owner.delete(&format!("/api/v1/channel_accounts/{}", third["id"].as_str().unwrap()), 204).await;
        assert_eq!(counts().await, (2, 1));

        let stop = json!({ "slug": SLUG });
        let stops = format!("{PLUGINS}/stops");
        let refused = client.post(&stops, &stop, 409).await;
        assert_eq!(refused.code(), "plugin_in_use");
        let told = refused.text("/detail");
        assert!(told.contains("2 个") && told.contains("1 家") && !told.contains("山前"), "{told}");
        assert!(in_force(&client).await.is_some());
        client.post(&stops, &json!({ "slug": "no-such" }), 404).await;
        client.post(&stops, &json!({ "slug": SLUG, "even_with_accounts": true }), 204).await;
        assert_eq!(in_force(&client).await, None);
        // What is stopped already has nothing to be asked about; the built-in channel is there for its accounts.
        client.post(&stops, &stop, 404).await;
        client.post(&format!("{PLUGINS}/activations"), &activation(&version), 200).await;

        let ops = NewPerson {
            email: "ops@qianpu.test", name: "江川", password: PASSWORD, locale: "zh", role: Role::OperatorOwner,
        };
        setup::add_operator(&stage.app.state, &ops).await.unwrap();
        let mut browser = Browser::new(&stage.app.base_url);
        browser.open("/console/login", 200).await;
        browser.submit("/console/login", &[("email", ops.email), ("password", PASSWORD)], 200).await;
        let at = "/console/operator/plugins";
        browser.open(at, 200).await;
        assert!(browser.html.contains("已关联账号 2 个，涉及商家 1 家。"), "{}", browser.html);
        browser.submit(&format!("{at}/stop"), &[("slug", SLUG)], 422).await;
        for text in ["仍有账号通过 wechat-store 关联，确认停用？", "停用后这些账号将改用内置渠道。", "仍要停用"] {
            assert!(browser.html.contains(text), "{text} in {}", browser.html);
        }
        assert!(in_force(&client).await.is_some(), "asked first");
        browser.submit(&format!("{at}/stop"), &[("slug", SLUG), ("even_with_accounts", "1")], 200).await;
        assert_eq!(in_force(&client).await, None);
        stage.stop().await;
    }

    async fn the_last_version_is_kept_while_accounts_need_it(db: TestDb) {
        let _alone = ALONE.lock().await;
        let app = TestApp::start(db).await;
        let client = operator(&app).await;
        let bytes = components::bytes("hostile");
        let versions = [
            upload(&client, bytes.clone()).await.json(""),
            upload(&client, components::another_version(&bytes, b'2')).await.json(""),
        ];
        let provider = app.provider("甲服务商").await;
        let merchant = app.merchant(&provider, "山前茶业").await;
        let mut tx = app.state.db.begin(&merchant).await.unwrap();
        let account = tx.new_id();
        directory::key_insert(&mut tx, directory::EXTERNAL_ACCOUNT, "hostile:1", account).await.unwrap();
        // Neither the same id nor a longer name of a channel makes it one of this channel.
        directory::key_insert(&mut tx, directory::EXTERNAL_ACCOUNT, "hostile-too:1", account).await.unwrap();
        tx.commit().await.unwrap();
        let removals = format!("{PLUGINS}/removals");
        let removal = |version: &Value| json!({ "slug": "hostile", "sha256": version["sha256"] });
        client.post(&removals, &removal(&versions[0]), 204).await;
        let refused = client.post(&removals, &removal(&versions[1]), 409).await;
        assert_eq!(refused.code(), "plugin_in_use");
        assert!(refused.text("/detail").contains("1 个"), "{}", refused.body);
        let mut even = removal(&versions[1]);
        even["even_with_accounts"] = json!(true);
        client.post(&removals, &even, 204).await;
        app.stop().await;
    }
}
