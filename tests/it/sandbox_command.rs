//! `qianpu sandbox`: the platforms' side alone, as somebody who writes a client of theirs uses it.

use qianpu_tests::http::Client;
use qianpu_tests::program::{Program, run};
use serde_json::json;

const ENTRY: &str = "sandbox_command::program";

#[test]
#[ignore = "a process of its own, started by the tests of this module"]
fn program() {
    run();
}

#[tokio::test]
async fn a_client_of_the_platform_gets_a_token_and_finds_its_account_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let data_file = directory.path().join("sandbox.json");
    let mut sandbox = Program::sandbox(ENTRY, &data_file).await;
    let registration =
        json!({"appid": "wx1111111111111111", "secret": "x", "kind": "store", "nickname": "茶铺"});
    Client::new(&sandbox.base_url).post("/sandbox/api/accounts", &registration, 200).await;
    sandbox.interrupt();

    let sandbox = Program::sandbox(ENTRY, &data_file).await;
    let ask = "/cgi-bin/token?grant_type=client_credential&appid=wx1111111111111111&secret=x";
    let answer = Client::new(&sandbox.base_url).get(ask, 200).await;
    assert!(!answer.text("/access_token").is_empty());
    assert_eq!(answer.number("/expires_in"), 7200);
}
