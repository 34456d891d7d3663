//! What nobody who means well sends: fields and parameters that are not theirs to set, pieces of SQL and patterns,
//! broken framing, packed bodies, and words meant for the log.

use crate::matrix::guarded;
use crate::two_tenants::{Stage, ask, fill, parameters, stage, value_or};
use qianpu_api::http::extract::Access;
use qianpu_api::http::route::Entry;
use qianpu_domain::access::{Permission, Role, allows};
use qianpu_tests::both;
use qianpu_tests::goods::Goods;
use qianpu_tests::http::{Answer, Client};
use qianpu_tests::planted::MARK;
use qianpu_tests::{openapi, rows};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// Fields that a clever client would like to set.
const WISHES: &[&str] =
    &["tenant_id", "provider_id", "status", "state", "price", "balance", "role", "is_admin"];

/// Pieces of SQL, of patterns and of paths.
const PIECES: &[&str] = &[
    "' OR '1'='1",
    "1; DROP TABLE orders--",
    "%' UNION SELECT password_hash FROM users--",
    "\\",
    "%%%%_",
    "(a+)+$",
    "../../etc/passwd",
];

/// Somebody of the victim's own tenant, or its provider, who may call the operation.
fn insider(people: &[(Role, Client)], permission: Permission) -> Option<&Client> {
    people.iter().find(|(role, _)| allows(*role, permission)).map(|(_, client)| client)
}

async fn owners(stage: &Stage) -> Vec<(Role, Client)> {
    let mut people = Vec::new();
    for (at, role) in [(0, Role::MerchantOwner), (1, Role::ProviderOwner)] {
        people.push((role, stage.app.person(&stage.own[at], role).await));
    }
    people
}

/// Names of the query parameters of an operation.
fn query_names(document: &Value, entry: &Entry) -> Vec<String> {
    let operation = &document["paths"][&entry.path][entry.method.as_str().to_lowercase()];
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let in_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
    in_query.filter_map(|parameter| Some(parameter["name"].as_str()?.to_owned())).collect()
}

fn encoded(piece: &str) -> String {
    url::form_urlencoded::byte_serialize(piece.as_bytes()).collect()
}

/// Sends bytes as they are; what comes back until the connection ends or the time is over.
fn raw(base_url: &str, request: &[u8]) -> String {
    let address = base_url.trim_start_matches("http://");
    let mut socket = std::net::TcpStream::connect(address).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a time limit");
    // A server that refuses early may close while we still write.
    drop(socket.write_all(request));
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = socket.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("no answer")
}

both! {
    async fn fields_that_nobody_may_set_are_refused(db: TestDb) {
        let stage = stage(db).await;
        let people = owners(&stage).await;
        let routes = qianpu_api::http::routes();
        let document = openapi::document(&routes);
        let before = rows::stored(&stage.app.db, None).await;
        let (mut wrong, mut asked) = (Vec::new(), 0);
        for (entry, permission) in guarded(&routes) {
            let method = entry.method.as_str();
            let id = |name: &str| value_or(name, stage.foreign(name));
            let Some(client) = insider(&people, permission) else { continue };
            let Some(Value::Object(body)) = openapi::body(&document, method, &entry.path, &id) else { continue };
            let known = openapi::fields(&document, method, &entry.path);
            let path = fill(&entry.path, |name| stage.foreign(name));
            for wish in WISHES.iter().filter(|wish| !known.iter().any(|field| field == *wish)) {
                let mut body = body.clone();
                body.insert((*wish).to_owned(), json!(1));
                let answer = ask(client, entry, &path, Some(&Value::Object(body))).await;
                asked += 1;
                if (answer.status, answer.code().as_str()) != (400, "unknown_field") {
                    wrong.push(format!("{method} {} with {wish}: {} {}", entry.path, answer.status, answer.body));
                }
            }
        }
        assert!(wrong.is_empty(), "not refused:\n{}", wrong.join("\n"));
        assert!(asked > 100, "only {asked} calls");
        rows::assert_unchanged(&before, &rows::stored(&stage.app.db, None).await, "after fields that are not theirs");
        stage.app.stop().await;
    }

    async fn pieces_of_sql_are_text_and_unknown_parameters_are_refused(db: TestDb) {
        let stage = stage(db).await;
        let routes = qianpu_api::http::routes();
        let document = openapi::document(&routes);
        // The victim's rows are planted and not to be read, so somebody else asks.
        let mut people = Vec::new();
        for outsider in &stage.outsiders {
            people.push((outsider.role, stage.app.person(&outsider.at, outsider.role).await));
        }
        let (mut wrong, mut asked) = (Vec::new(), 0);
        for (entry, permission) in guarded(&routes) {
            if entry.method.as_str() != "GET" || !parameters(&entry.path).is_empty() {
                continue;
            }
            let Some(client) = insider(&people, permission) else { continue };
            let names = query_names(&document, entry);
            let mut queries = vec!["sort=id%3Bdrop".to_owned(), "password_hash=x".to_owned(), "tenant_id=x".to_owned()];
            let strangers = if names.is_empty() { 0 } else { queries.len() };
            for name in &names {
                queries.extend(PIECES.iter().map(|piece| format!("{name}={}", encoded(piece))));
            }
            for (place, query) in queries.iter().enumerate() {
                let answer = client.try_send(Method::GET, &format!("{}?{query}", entry.path), None, &[]).await;
                asked += 1;
                let told = (400..500).contains(&answer.status);
                if answer.status >= 500 || answer.body.contains(MARK) || (place < strangers && !told) {
                    wrong.push(format!("GET {}?{query}: {} {}", entry.path, answer.status, answer.body));
                }
            }
        }
        assert!(wrong.is_empty(), "not as text:\n{}", wrong.join("\n"));
        assert!(asked > 200, "only {asked} calls");
        stage.app.stop().await;
    }

    async fn signs_of_patterns_are_looked_for_as_they_are(db: TestDb) {
        let goods = Goods::start(db).await;
        for title in ["100% 纯茶", "下_划线", "反\\斜线", "普通茶"] {
            goods.on_sale(&Goods::simple(title, 100, 1)).await;
        }
        for (piece, found) in [("%", 1), ("_", 1), ("\\", 1), ("%%", 0), ("%茶", 0), ("茶", 2)] {
            let page = goods.owner.get(&format!("/api/v1/products?search={}", encoded(piece)), 200).await;
            assert_eq!(page.json("/items").as_array().unwrap().len(), found, "{piece}");
        }
        goods.app.stop().await;
    }

    async fn broken_framing_is_refused(db: TestDb) {
        let goods = Goods::start(db).await;
        let app = &goods.app;
        let host = app.base_url.trim_start_matches("http://").to_owned();
        let token = goods.owner.token().unwrap().to_owned();
        let post = |headers: &str, body: &str| {
            let head = format!("POST /api/v1/auth/login HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n");
            format!("{head}{headers}\r\n\r\n{body}").into_bytes()
        };
        let url = app.base_url.clone();
        let send = async |request: Vec<u8>| {
            let url = url.clone();
            tokio::task::spawn_blocking(move || raw(&url, &request)).await.unwrap()
        };
        // Two readings of one request are how requests are smuggled.
        let both = send(post("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\nGET /api/v1/me HTTP/1.1\r\n\r\n")).await;
        assert_eq!(status(&both), "400", "{both}");
        let twice = send(post("Content-Length: 4\r\nContent-Length: 5", "{}  ")).await;
        assert_eq!(status(&twice), "400", "{twice}");
        let odd = send(post("Transfer-Encoding: gzip", "{}")).await;
        assert_eq!(status(&odd), "400", "{odd}");
        let negative = send(post("Content-Length: -1", "{}")).await;
        assert_eq!(status(&negative), "400", "{negative}");
        // A body without an announced length ends where the limit is.
        let mut endless = post("Transfer-Encoding: chunked\r\nConnection: close", "");
        for _ in 0..80 {
            endless.extend_from_slice(format!("10000\r\n{}\r\n", " ".repeat(0x1_0000)).as_bytes());
        }
        let cut = send(endless).await;
        assert_eq!(status(&cut), "413", "{cut}");
        // Packed bodies are not unpacked, so none can be a bomb.
        let packed = send(post("Content-Encoding: gzip\r\nContent-Length: 2\r\nConnection: close", "\u{1f}x")).await;
        assert_eq!(&status(&packed)[..1], "4", "{packed}");
        // An offer of another protocol is not taken, and the client is told that the connection ends with the answer.
        let offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk";
        let offered = send(format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n{offer}\r\n\r\n").into_bytes()).await;
        assert_eq!(status(&offered), "200", "{offered}");
        assert!(offered.to_lowercase().contains("\r\nconnection: close\r\n"), "{offered}");
        let heads = format!("GET /api/v1/me HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nX: {}\r\n\r\n", "x".repeat(200_000));
        let long = send(heads.into_bytes()).await;
        assert_eq!(&status(&long)[..1], "4", "{long}");
        goods.owner.get("/api/v1/me", 200).await;
        goods.app.stop().await;
    }

    async fn deep_json_is_refused_in_clear_words_everywhere(db: TestDb) {
        let stage = stage(db).await;
        let people = owners(&stage).await;
        let routes = qianpu_api::http::routes();
        let document = openapi::document(&routes);
        let visitor = stage.app.anonymous();
        let (mut wrong, mut asked) = (Vec::new(), 0);
        for entry in routes.entries() {
            let method = entry.method.as_str();
            let id = |name: &str| value_or(name, stage.foreign(name));
            if openapi::body(&document, method, &entry.path, &id).is_none() {
                continue;
            }
            let client = match entry.access {
                Access::Public => &visitor,
                Access::Needs(permission) => match insider(&people, permission) {
                    Some(client) => client,
                    None => continue,
                },
                Access::Buyer => continue,
            };
            let path = fill(&entry.path, |name| stage.foreign(name));
            // 40 is more than is taken and less than the parser would take; 100,000 would be deep for any parser.
            for depth in [40, 100_000] {
                let body = format!("{{\"a\": {}1{}}}", "[".repeat(depth), "]".repeat(depth));
                let request = client.request(method.parse().unwrap(), &path).header("Content-Type", "application/json");
                let request = request.header("Idempotency-Key", "deep").header("Accept-Language", "en");
                let answer = Answer::of(request.body(body).send().await.expect("an answer")).await;
                asked += 1;
                let told = answer.status == 400 && answer.body.contains("at most 32 lists and objects");
                if !told {
                    wrong.push(format!("{method} {path} at {depth}: {} {}", answer.status, answer.body));
                }
            }
        }
        assert!(wrong.is_empty(), "not told:\n{}", wrong.join("\n"));
        assert!(asked > 100, "only {asked} calls");
        stage.app.stop().await;
    }

    async fn deep_and_wide_json_is_refused_quickly(db: TestDb) {
        let goods = Goods::start(db).await;
        let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
        let wide = format!("{{\"title\": \"x\", \"skus\": [{}]}}", vec!["{}"; 20_000].join(","));
        let started = Instant::now();
        for body in [deep, wide, "1e999".to_owned(), "\"\\ud800\"".to_owned()] {
            let request = goods.owner.request(Method::POST, &goods.products()).header("Content-Type", "application/json");
            let answer = request.body(body).send().await.unwrap();
            assert!((400..500).contains(&answer.status().as_u16()), "{}", answer.status());
        }
        assert!(started.elapsed() < Duration::from_secs(20));
        goods.app.stop().await;
    }
}
