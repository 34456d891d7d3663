//! A client, a store, and a listener that opens pushes with its own few lines of cryptography.
#![allow(dead_code)]

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use base64::Engine;
use qianpu_sandbox::{Sandbox, SandboxConfig, SandboxHandle};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub const TOKEN: &str = "AAAAA";
pub const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
pub const COMPONENT: &str = "wx134c8103faa5a59e";

pub struct Bench {
    pub sandbox: SandboxHandle,
    pub http: reqwest::Client,
    pub listener: Listener,
}

#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub content_type: String,
    pub body: String,
    pub app_id: String,
    pub message: String,
    pub signed: bool,
}

#[derive(Clone)]
pub struct Listener {
    pub url: String,
    pub received: Arc<Mutex<Vec<Received>>>,
    /// Answers to give before `success`.
    pub answers: Arc<Mutex<Vec<(u16, String)>>>,
}

fn sha1_sorted(pieces: &[&str]) -> String {
    let mut pieces = pieces.to_vec();
    pieces.sort();
    hex::encode(Sha1::digest(pieces.concat()))
}

fn inside<'a>(text: &'a str, name: &str) -> &'a str {
    let text = text.split_once(&format!("<{name}>")).unwrap().1.split_once(&format!("</{name}>")).unwrap().0;
    text.trim().trim_start_matches("<![CDATA[").trim_end_matches("]]>")
}

fn open(sealed: &str) -> (String, String) {
    let mut bytes = base64::engine::general_purpose::STANDARD.decode(sealed).unwrap();
    let plain = cbc::Decryptor::<Aes256>::new_from_slices(&[0; 32], &[0; 16])
        .unwrap()
        .decrypt_padded::<NoPadding>(&mut bytes)
        .unwrap();
    let end = plain.len() - usize::from(plain[plain.len() - 1]);
    let length = u32::from_be_bytes(plain[16..20].try_into().unwrap()) as usize;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&plain[20..20 + length]), text(&plain[20 + length..end]))
}

async fn hook(request: HttpRequest, body: String, listener: web::Data<Listener>) -> HttpResponse {
    let query: BTreeMap<String, String> = serde_urlencoded::from_str(request.query_string()).unwrap();
    if let Some(echo) = query.get("echostr") {
        let good = sha1_sorted(&[TOKEN, &query["timestamp"], &query["nonce"]]) == query["signature"];
        return if good { HttpResponse::Ok().body(echo.clone()) } else { HttpResponse::Forbidden().finish() };
    }
    let sealed = match serde_json::from_str::<Value>(&body) {
        Ok(json) => json["Encrypt"].as_str().unwrap().to_owned(),
        Err(_) => inside(&body, "Encrypt").to_owned(),
    };
    let (message, app_id) = open(&sealed);
    let signed =
        sha1_sorted(&[TOKEN, &query["timestamp"], &query["nonce"], &sealed]) == query["msg_signature"];
    let content_type = request.headers().get("content-type").unwrap().to_str().unwrap().to_owned();
    let path = request.path().to_owned();
    listener.received.lock().unwrap().push(Received {
        path,
        query,
        content_type,
        body,
        app_id,
        message,
        signed,
    });
    let mut answers = listener.answers.lock().unwrap();
    match if answers.is_empty() { None } else { Some(answers.remove(0)) } {
        Some((status, text)) => {
            HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).body(text)
        }
        None => HttpResponse::Ok().body("success"),
    }
}

impl Listener {
    async fn start() -> Self {
        let mut listener =
            Self { url: String::new(), received: Default::default(), answers: Default::default() };
        let data = web::Data::new(listener.clone());
        let server =
            HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(hook)))
                .workers(1)
                .disable_signals()
                .bind("127.0.0.1:0")
                .unwrap();
        listener.url = format!("http://{}", server.addrs()[0]);
        tokio::spawn(server.run());
        listener
    }

    /// Waits until as many matching pushes came.
    pub async fn wait(&self, needle: &str, count: usize) -> Vec<Received> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let found: Vec<Received> = self
                .received
                .lock()
                .unwrap()
                .iter()
                .filter(|r| r.message.contains(needle))
                .cloned()
                .collect();
            if found.len() >= count {
                return found;
            }
            assert!(Instant::now() < deadline, "{needle}: {} of {count} came", found.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

pub fn config() -> SandboxConfig {
    SandboxConfig {
        push_retry_schedule: vec![Duration::from_millis(20); 3],
        push_timeout: Duration::from_secs(2),
        ..SandboxConfig::default()
    }
}

impl Bench {
    pub async fn start() -> Self {
        Self::start_with(config()).await
    }

    pub async fn start_with(config: SandboxConfig) -> Self {
        let sandbox = Sandbox::start(config).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        Self { sandbox, http: http.unwrap(), listener: Listener::start().await }
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let response =
            self.http.post(format!("{}{path}", self.sandbox.base_url)).json(&body).send().await.unwrap();
        response.json().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        let response = self.http.get(format!("{}{path}", self.sandbox.base_url)).send().await.unwrap();
        response.json().await.unwrap()
    }

    pub async fn register_component(&self) -> Value {
        let url = &self.listener.url;
        self.post(
            "/sandbox/api/apps",
            json!({"component_appid": COMPONENT, "component_appsecret": "s3cret", "token": TOKEN,
                "encoding_aes_key": KEY, "auth_event_url": format!("{url}/auth"),
                "message_url": format!("{url}/messages/$APPID$")}),
        )
        .await
    }

    pub async fn component_token(&self) -> String {
        let pushed = self.listener.wait("component_verify_ticket", 1).await;
        let ticket = inside(&pushed.last().unwrap().message, "ComponentVerifyTicket").to_owned();
        let answer = self
            .post(
                "/cgi-bin/component/api_component_token",
                json!({"component_appid": COMPONENT, "component_appsecret": "s3cret",
                    "component_verify_ticket": ticket}),
            )
            .await;
        assert_eq!(answer["expires_in"], 7200, "{answer}");
        answer["component_access_token"].as_str().unwrap().to_owned()
    }

    /// A store pushed to directly in JSON, with its access token.
    pub async fn direct_store(&self) -> (String, String) {
        let account = self
            .post(
                "/sandbox/api/accounts",
                json!({"appid": "wxba5fad812f8e6fb9", "secret": "shh", "kind": "store", "nickname": "茶铺",
                    "push": {"url": format!("{}/store", self.listener.url), "token": TOKEN,
                        "encoding_aes_key": KEY, "format": "json"}}),
            )
            .await;
        let appid = account["appid"].as_str().unwrap_or_else(|| panic!("{account}")).to_owned();
        let token =
            self.get(&format!("/cgi-bin/token?grant_type=client_credential&appid={appid}&secret=shh")).await;
        (appid, token["access_token"].as_str().unwrap_or_else(|| panic!("{token}")).to_owned())
    }

    pub async fn call(&self, token: &str, path: &str, body: Value) -> Value {
        self.post(&format!("{path}?access_token={token}"), body).await
    }

    /// A product with two SKUs, submitted for audit at once.
    pub async fn add_product(&self, token: &str) -> Value {
        let answer = self.call(token, "/channels/ec/product/add", product()).await;
        assert_eq!(answer["errcode"], 0, "{answer}");
        answer["data"].clone()
    }

    pub async fn wait_for_status(&self, token: &str, product_id: &str, status: i64) -> Value {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let answer = self
                .call(token, "/channels/ec/product/get", json!({"product_id": product_id, "data_type": 3}))
                .await;
            if answer["product"]["status"] == status {
                return answer;
            }
            assert!(Instant::now() < deadline, "{answer}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

pub fn product() -> Value {
    json!({
        "out_product_id": "p-1",
        "title": "明前龙井 100g",
        "head_imgs": ["https://mmecimage.cn/p/wx/1"],
        "desc_info": {"imgs": ["https://mmecimage.cn/p/wx/2"], "desc": "今年新茶"},
        "cats": [{"cat_id": "2000"}, {"cat_id": "2010"}, {"cat_id": "2011"}],
        "deliver_method": 0,
        "express_info": {"template_id": "1"},
        "listing": 1,
        "skus": [
            {"out_sku_id": "s-1", "sale_price": 12800, "market_price": 15800, "stock_num": 10, "sku_code": "A1",
                "sku_attrs": [{"attr_key": "规格", "attr_value": "100g"}]},
            {"out_sku_id": "s-2", "sale_price": 23800, "stock_num": 5, "sku_code": "A2",
                "sku_attrs": [{"attr_key": "规格", "attr_value": "200g"}]},
        ],
    })
}

pub fn xml<'a>(message: &'a str, name: &str) -> &'a str {
    inside(message, name)
}
