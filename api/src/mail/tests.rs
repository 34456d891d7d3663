//! From the business transaction to the folder.

use super::*;
use crate::jobs::runner::run_until_idle;
use crate::test_app::TestApp;
use qianpu_domain::access::{Role, Surface};

#[actix_web::test]
async fn a_mail_is_queued_sealed_and_sent_by_its_job() {
    let test = TestApp::start().await;
    let ctx = test.person(Surface::Provider, "lin@example.com", Role::ProviderOwner).await;
    let mail = Mail {
        to: "chen@example.com".to_owned(),
        lang: Lang::En,
        texts: "test.greeting.".into(),
        arguments: vec![("name".to_owned(), "<Chen>\r\nBcc: x@y.z".to_owned())],
        points: vec!["one & two".to_owned()],
        link: Some("https://shop.example/a?b=1&c=2".to_owned()),
        from_name: "启明服务".to_owned(),
    };
    let mut tx = test.state.db.begin(&ctx).await.unwrap();
    test.state.mailer.enqueue(&mut tx, &mail).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(run_until_idle(&test.state).await.unwrap(), 1);
    assert_eq!(run_until_idle(&test.state).await.unwrap(), 0);

    // The texts do not exist, so the job is laid aside instead of sending something empty.
    let folder = test.state.mailer.folder().unwrap().to_owned();
    assert!(stored_mails(&folder).unwrap().is_empty());

    let mut good = mail.clone();
    good.texts = "core.mail_test.".into();
    let mut tx = test.state.db.begin(&ctx).await.unwrap();
    test.state.mailer.enqueue(&mut tx, &good).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(run_until_idle(&test.state).await.unwrap(), 1);
    let mails = stored_mails(&folder).unwrap();
    let [sent] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(sent.to, "chen@example.com");
    assert!(!sent.subject.contains('\n'), "{}", sent.subject);
    assert!(sent.text.contains("one & two") && sent.text.contains("b=1&c=2"), "{}", sent.text);
    assert!(sent.html.contains("one &amp; two") && !sent.html.contains("<Chen>"), "{}", sent.html);
    let eml = std::fs::read_to_string(folder.join(format!("{}.eml", sent.name))).unwrap();
    let (head, _) = eml.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("From:") && !head.contains("Bcc:"), "{head}");
}

/// A mail server that takes one mail and returns what it was told.
async fn take_one_mail(listener: tokio::net::TcpListener) -> String {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut told = String::new();
    let mut in_data = false;
    stream.get_mut().write_all(b"220 test\r\n").await.unwrap();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap() == 0 {
            return told;
        }
        told.push_str(&line);
        let answer: &[u8] = match line.trim_end() {
            "." => {
                in_data = false;
                b"250 kept\r\n"
            }
            _ if in_data => continue,
            "DATA" => {
                in_data = true;
                b"354 go on\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 fine\r\n",
        };
        stream.get_mut().write_all(answer).await.unwrap();
        if told.ends_with("QUIT\r\n") || told.contains("\r\n.\r\n") {
            return told;
        }
    }
}

#[actix_web::test]
async fn mails_go_to_a_mail_server() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let variables = [
        ("QIANPU__MAIL__TRANSPORT", "smtp".to_owned()),
        ("QIANPU__MAIL__SMTP_HOST", "127.0.0.1".to_owned()),
        ("QIANPU__MAIL__SMTP_PORT", listener.local_addr().unwrap().port().to_string()),
        ("QIANPU__MAIL__SMTP_SECURITY", "none".to_owned()),
        ("QIANPU__MAIL__FROM", "Qianpu <no-reply@qianpu.example>".to_owned()),
    ];
    let config =
        crate::config::Config::from_parts(None, variables.map(|(name, value)| (name.to_owned(), value)))
            .unwrap();
    let keys = crate::auth::keys::Keys::of(&config).unwrap();
    let mailer = Mailer::of(&config, keys.sealer).unwrap();
    let pages = crate::pages::Pages::load(&config).unwrap();
    let mail = Mail {
        to: "chen@example.com".to_owned(),
        lang: Lang::Zh,
        texts: "core.mail_test.".into(),
        arguments: vec![("name".to_owned(), "陈小满".to_owned())],
        points: Vec::new(),
        link: None,
        from_name: String::new(),
    };
    let server = actix_web::rt::spawn(take_one_mail(listener));
    let job = qianpu_domain::ids::JobId(uuid::Uuid::from_u128(7));
    let now = qianpu_domain::time::Timestamp::from_seconds(1_800_000_000);
    mailer.send(&pages, &mail, job, now, &Dress::default()).await.unwrap();
    let told = server.await.unwrap();
    assert!(told.contains("MAIL FROM:<no-reply@qianpu.example>"), "{told}");
    assert!(told.contains("RCPT TO:<chen@example.com>"), "{told}");
    assert!(told.contains(&format!("Message-ID: <{job}@qianpu.example>")), "{told}");

    let nobody = Mail { to: "not an address".to_owned(), ..mail };
    assert!(matches!(
        mailer.send(&pages, &nobody, job, now, &Dress::default()).await,
        Err(SendError::Never(_))
    ));
}
