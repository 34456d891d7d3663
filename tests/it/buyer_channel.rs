//! Signing in at the platform's page, through the stand-in: who comes back, in which browser, and whose orders they
//! are.

use crate::buyers::{PHONE, code_of};
use qianpu_domain::access::Role;
use qianpu_tests::both;
use qianpu_tests::browser::Browser;
use qianpu_tests::http::Client;
use qianpu_tests::stage::{AES_KEY, COMPONENT, PUSH_TOKEN, Stage};
use reqwest::header::LOCATION;
use serde_json::{Value, json};
use std::collections::HashMap;

/// A shop with a public account, linked directly.
struct Door {
    stage: Stage,
    slug: String,
}

impl Door {
    async fn start(db: qianpu_tests::TestDb) -> Door {
        let stage = Stage::start(db).await;
        let shop = stage.owner.get(&format!("/api/v1/shops/{}", stage.shop), 200).await;
        Door { slug: shop.text("/slug"), stage }
    }

    fn home(&self) -> String {
        format!("/s/{}/", self.slug)
    }

    /// An account at the platform, bound to the merchant's open platform account.
    async fn at_platform(&self, kind: &str, name: &str) -> Value {
        let body = json!({ "kind": kind, "nickname": name, "open_platform": "wxopen1" });
        self.stage.sandbox.post("accounts", &body).await
    }

    async fn link_directly(&self, kind: Kind, name: &str) -> Value {
        let account = self.at_platform(kind.2, name).await;
        let body = json!({ "shop_id": self.stage.shop.to_string(), "channel": kind.0, "kind": kind.1,
            "app_id": account["appid"], "secret": account["secret"], "token": PUSH_TOKEN,
            "encoding_aes_key": AES_KEY, "format": kind.3 });
        self.stage.owner.post("/api/v1/channel_accounts/direct", &body, 201).await.json("")
    }

    async fn public_account(&self) -> Value {
        self.link_directly(OFFICIAL, "山前日常").await
    }

    /// Presses the button and looks at where it leads, without going there.
    async fn leave(&self, browser: &mut Browser, form: &str) -> HashMap<String, String> {
        let address = browser.leave(&format!("{}{form}", self.home()), &[]).await;
        assert!(
            address.starts_with(&format!("{}/connect/oauth2/authorize?appid=", self.stage.sandbox.base_url)),
            "{address}"
        );
        assert!(address.ends_with("#wechat_redirect"), "{address}");
        let page = reqwest::get(address.as_str()).await.unwrap().text().await.unwrap();
        assert!(page.contains("web-login") && page.contains("山前日常"), "{page}");
        url::Url::parse(&address).unwrap().query_pairs().into_owned().collect()
    }

    /// What the person answers on the platform's page; the path and query they come back with.
    async fn answer(&self, asked: &HashMap<String, String>, buyer: &str, decision: &str) -> String {
        let mut form = asked.clone();
        form.insert("buyer".to_owned(), buyer.to_owned());
        form.insert("decision".to_owned(), decision.to_owned());
        let http = qianpu_tests::http::http_client();
        let sent = http.post(format!("{}/sandbox/web-login", self.stage.sandbox.base_url)).form(&form).send();
        let sent = sent.await.unwrap();
        assert_eq!(sent.status(), 303);
        let back = sent.headers()[LOCATION].to_str().unwrap().to_owned();
        back.strip_prefix(&self.stage.app.state.config.app.public_url).expect("back to the shop").to_owned()
    }

    async fn sign_in_by_phone(&self, browser: &mut Browser, phone: &str) {
        browser.open(&format!("{}sign-in?lang=zh", self.home()), 200).await;
        browser.submit(&format!("{}sign-in/code", self.home()), &[("phone", phone)], 200).await;
        let code = code_of(&self.stage.app, phone).await;
        let form = [("phone", phone), ("code", code.as_str())];
        browser.submit(&format!("{}sign-in", self.home()), &form, 200).await;
    }

    async fn buyers(&self) -> Vec<Value> {
        let owner = self.stage.app.person(&self.stage.merchant, Role::MerchantOwner).await;
        owner.get("/api/v1/buyers", 200).await.json("/items").as_array().unwrap().clone()
    }
}

/// Channel, kind of account, kind at the stand-in, format of pushes.
type Kind = (&'static str, &'static str, &'static str, &'static str);
const OFFICIAL: Kind = ("wechat-official-account", "official_account", "official_account", "xml");
const STORE: Kind = ("wechat-store", "wechat_store", "store", "json");

both! {
    async fn a_visitor_signs_in_at_the_platforms_page(db: TestDb) {
        let door = Door::start(db).await;
        let home = door.home();
        let mut phone = Browser::new(&door.stage.app.base_url);
        // Without a public account there is no button, and nothing behind it.
        assert!(!phone.open(&format!("{home}sign-in?lang=zh"), 200).await.contains("sign-in/channel"));
        door.public_account().await;
        assert!(phone.open(&format!("{home}sign-in?lang=zh"), 200).await.contains("微信登录"));
        let asked = door.leave(&mut phone, "sign-in/channel").await;
        assert_eq!(asked["scope"], "snsapi_userinfo");
        assert!(asked["state"].len() == 64 && !asked.contains_key("component_appid"));
        let back = door.answer(&asked, "王晓", "").await;
        let own = phone.open(&back, 200).await;
        assert!(own.contains("王晓"), "{own}");
        assert_eq!(phone.path, format!("{home}account"));
        // The code and the state are worth nothing a second time, and change nothing for who is signed in.
        assert!(phone.open(&back, 200).await.contains("授权未完成或已失效"));
        assert_eq!(door.buyers().await.len(), 1);
        // The same person again is the same buyer.
        let mut tablet = Browser::new(&door.stage.app.base_url);
        tablet.open(&format!("{home}sign-in?lang=zh"), 200).await;
        let asked = door.leave(&mut tablet, "sign-in/channel").await;
        let back = door.answer(&asked, "王晓", "").await;
        assert!(tablet.open(&back, 200).await.contains("王晓"));
        assert_eq!(door.buyers().await.len(), 1);
        door.stage.stop().await;
    }

    async fn what_comes_back_counts_in_its_browser_its_shop_and_its_time(db: TestDb) {
        let door = Door::start(db).await;
        let home = door.home();
        door.public_account().await;
        let mut phone = Browser::new(&door.stage.app.base_url);
        phone.open(&format!("{home}sign-in?lang=zh"), 200).await;
        // Who says no is told so, and nobody was made.
        let asked = door.leave(&mut phone, "sign-in/channel").await;
        let no = door.answer(&asked, "王晓", "refuse").await;
        assert!(!no.contains("code="), "{no}");
        assert!(phone.open(&no, 200).await.contains("未授权"));
        // A code that somebody else got: their browser began, another one comes back.
        let asked = door.leave(&mut phone, "sign-in/channel").await;
        let planted = door.answer(&asked, "攻击者", "").await;
        let mut victim = Browser::new(&door.stage.app.base_url);
        assert!(victim.open(&format!("{planted}&lang=zh"), 200).await.contains("授权未完成或已失效"));
        assert!(victim.open(&format!("{home}account"), 200).await.contains("获取验证码"));
        // Whoever signed in meanwhile is not joined with who began.
        let asked = door.leave(&mut phone, "sign-in/channel").await;
        let back = door.answer(&asked, "王晓", "").await;
        door.sign_in_by_phone(&mut phone, PHONE).await;
        assert!(phone.open(&back, 200).await.contains("授权未完成或已失效"));
        // Late.
        let asked = door.leave(&mut phone, "account/channel").await;
        let back = door.answer(&asked, "王晓", "").await;
        door.stage.app.advance(601);
        assert!(phone.open(&back, 200).await.contains("授权未完成或已失效"));
        // A code of the platform's that is none.
        let asked = door.leave(&mut phone, "account/channel").await;
        let bad = format!("{home}sign-in/channel/back?code=nothing&state={}", asked["state"]);
        assert!(phone.open(&bad, 200).await.contains("授权未完成或已失效"));
        assert_eq!(door.buyers().await.len(), 1, "only the one with the phone");
        door.stage.stop().await;
    }

    async fn who_is_signed_in_gets_the_channels_orders(db: TestDb) {
        let door = Door::start(db).await;
        door.public_account().await;
        let store = door.link_directly(STORE, "山前茶铺").await;
        let stage = &door.stage;
        let push = json!({ "url": store["hook_url"], "token": PUSH_TOKEN, "encoding_aes_key": AES_KEY,
            "format": "json", "mode": "secure" });
        stage.sandbox.post(&format!("accounts/{}/push", store["external_id"].as_str().unwrap()), &push).await;
        let product = stage.product("明前龙井 500 克", 10).await;
        let listing = stage.publish(&product, &store, 202).await.text("/id");
        let listing = stage.listing_in(&listing, "listed").await;
        let body = json!({ "appid": store["external_id"], "buyer": "王晓", "scene": 2, "pay": true,
            "items": [{ "product_id": listing["external_product_id"],
                "sku_id": listing["skus"][0]["external_sku_id"], "quantity": 1 }] });
        stage.sandbox.post("orders", &body).await;
        stage.work_until("the order", async || {
            let orders = stage.owner.get("/api/v1/orders", 200).await.json("/items");
            (orders.as_array().unwrap().len() == 1).then_some(())
        }).await;
        // Two rows: one known from the order, one with a phone. The proof brings them together.
        let mut phone = Browser::new(&stage.app.base_url);
        door.sign_in_by_phone(&mut phone, PHONE).await;
        assert!(phone.open(&format!("{}account", door.home()), 200).await.contains("还没有订单"));
        assert_eq!(door.buyers().await.len(), 2);
        let asked = door.leave(&mut phone, "account/channel").await;
        let back = door.answer(&asked, "王晓", "").await;
        let own = phone.open(&back, 200).await;
        assert!(own.contains("明前龙井 500 克") && own.contains("已绑定"), "{own}");
        let buyers = door.buyers().await;
        assert_eq!(buyers.len(), 1);
        assert_eq!(buyers[0]["phone_masked"], "138****5678");
        // Another phone is another person: the id stays with the first.
        stage.app.advance(61);
        let mut other = Browser::new(&stage.app.base_url);
        door.sign_in_by_phone(&mut other, "13900000001").await;
        let asked = door.leave(&mut other, "account/channel").await;
        let back = door.answer(&asked, "王晓", "").await;
        assert!(other.open(&back, 200).await.contains("已绑定本店的另一位买家"));
        assert!(!other.open(&format!("{}account", door.home()), 200).await.contains("明前龙井"));
        door.stage.stop().await;
    }

    async fn an_account_of_the_third_party_platform_signs_in_through_it(db: TestDb) {
        let door = Door::start(db).await;
        let stage = &door.stage;
        stage.channel_app().await;
        let account = door.at_platform("official_account", "山前日常").await;
        let app_id = account["appid"].as_str().unwrap();
        let link = stage.start_link(OFFICIAL.0, OFFICIAL.1, Some(app_id), 201).await;
        let page = url::Url::parse(&link.text("/desktop_url")).unwrap();
        let asked: HashMap<String, String> = page.query_pairs().into_owned().collect();
        let granted = json!({ "component_appid": COMPONENT, "appid": app_id,
            "pre_auth_code": asked["pre_auth_code"], "redirect_uri": asked["redirect_uri"] });
        let back = stage.sandbox.post("authorize", &granted).await;
        reqwest::get(back["redirect_url"].as_str().unwrap()).await.unwrap();
        stage.work_until("the link", async || stage.account_of(app_id).await).await;
        let mut phone = Browser::new(&stage.app.base_url);
        phone.open(&format!("{}sign-in?lang=zh", door.home()), 200).await;
        let asked = door.leave(&mut phone, "sign-in/channel").await;
        assert_eq!(asked["component_appid"], COMPONENT);
        let back = door.answer(&asked, "李木子", "").await;
        assert!(back.contains(&format!("appid={app_id}")), "{back}");
        assert!(phone.open(&back, 200).await.contains("李木子"));
        door.stage.stop().await;
    }

    async fn a_program_signs_a_buyer_in_at_the_platforms_page(db: TestDb) {
        let door = Door::start(db).await;
        let api = format!("/api/v1/storefront/{}", door.slug);
        let (program, begin) = (door.stage.app.anonymous(), format!("{api}/channel_sign_ins"));
        let public = door.stage.app.state.config.app.public_url.clone();
        let own = json!({ "redirect_uri": format!("{public}/app/back") });
        program.post(&begin, &own, 404).await;
        door.public_account().await;
        for foreign in ["https://evil.example/back", "javascript:alert(1)", "/app/back", ""] {
            let refused = program.post(&begin, &json!({ "redirect_uri": foreign }), 422).await;
            assert_eq!(refused.text("/errors/0/field"), "redirect_uri", "{foreign}");
        }
        let begun = program.post(&begin, &own, 201).await;
        let asked = url::Url::parse(&begun.text("/address")).unwrap().query_pairs().into_owned().collect();
        let back = door.answer(&asked, "王晓", "").await;
        let back: HashMap<String, String> =
            url::Url::parse(&format!("{public}{back}")).unwrap().query_pairs().into_owned().collect();
        // Whoever caught the code and the state but not the secret gets nothing.
        let finish = format!("{api}/channel_sessions");
        let mut body = json!({ "state": back["state"], "code": back["code"], "secret": "guessed" });
        assert_eq!(program.post(&finish, &body, 422).await.code(), "channel_sign_in_failed");
        body["secret"] = begun.json("/secret");
        let session = program.post(&finish, &body, 201).await;
        let buyer = program.with_token(&session.text("/access_token"));
        assert_eq!(buyer.get(&format!("{api}/me"), 200).await.text("/name"), "王晓");
        program.post(&finish, &body, 422).await;
        door.stage.stop().await;
    }

    async fn a_program_joins_the_signed_in_buyer_with_whom_they_are_at_the_platform(db: TestDb) {
        let door = Door::start(db).await;
        door.public_account().await;
        let app = &door.stage.app;
        let api = format!("/api/v1/storefront/{}", door.slug);
        let buyer = crate::buyers::buyer(app, &door.slug, PHONE).await;
        let own = json!({ "redirect_uri": format!("{}/app/back", app.state.config.app.public_url) });
        buyer.post(&format!("{api}/me/channel_joins"), &json!({ "redirect_uri": "https://evil.example/" }), 422).await;
        let come_back = async |buyer: &Client, who: &str| {
            let begun = buyer.post(&format!("{api}/me/channel_joins"), &own, 201).await;
            let asked = url::Url::parse(&begun.text("/address")).unwrap().query_pairs().into_owned().collect();
            let back = format!("http://shop.test{}", door.answer(&asked, who, "").await);
            let given: HashMap<String, String> =
                url::Url::parse(&back).unwrap().query_pairs().into_owned().collect();
            json!({ "state": given["state"], "code": given["code"], "secret": begun.json("/secret") })
        };
        let finish = format!("{api}/me/channel_identities");
        // What one buyer began, nobody else ends: neither another buyer nor a sign-in.
        app.advance(61);
        let other = crate::buyers::buyer(app, &door.slug, "13900000001").await;
        let body = come_back(&buyer, "王晓").await;
        assert_eq!(other.post(&finish, &body, 422).await.code(), "channel_sign_in_failed");
        let body = come_back(&buyer, "王晓").await;
        app.anonymous().post(&format!("{api}/channel_sessions"), &body, 422).await;
        let body = come_back(&buyer, "王晓").await;
        let joined = buyer.post(&finish, &body, 201).await;
        assert_eq!(joined.json("/channels"), json!(["wechat-official-account"]));
        buyer.post(&finish, &body, 422).await;
        // Signing in at the platform is signing in as that buyer now; the other one with a phone cannot take the id.
        assert_eq!(door.buyers().await.len(), 2);
        let body = come_back(&other, "王晓").await;
        assert_eq!(other.post(&finish, &body, 409).await.code(), "channel_identity_taken");
        door.stage.stop().await;
    }
}
