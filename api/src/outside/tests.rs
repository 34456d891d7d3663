use super::names::Found;
use super::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Answers what it was given, one list after the other, and the last one for ever.
struct Told {
    answers: Vec<Vec<&'static str>>,
    asked: AtomicUsize,
    names: Mutex<Vec<String>>,
}

impl Told {
    fn new(answers: &[&[&'static str]]) -> Arc<Self> {
        let answers = answers.iter().map(|list| list.to_vec()).collect();
        Arc::new(Self { answers, asked: AtomicUsize::new(0), names: Mutex::default() })
    }
}

impl Names for Told {
    fn lookup(&self, name: String) -> Found {
        self.names.lock().unwrap().push(name);
        let index = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let found = self.answers[index].iter().map(|text| text.parse().unwrap()).collect();
        Box::pin(async move { Ok(found) })
    }
}

fn strict() -> Policy {
    Policy { loopback: false, plain: false, ports: PORTS.to_vec() }
}
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(5), bytes: 65_536 };

fn outside(policy: Policy, names: Arc<Told>) -> Outside {
    Outside::new(policy, names).unwrap()
}

#[test]
fn addresses_are_refused_by_their_form() {
    let strict = outside(strict(), Told::new(&[&["8.8.8.8"]]));
    for (text, why) in [
        ("", Refusal::Unreadable),
        ("not an address", Refusal::Unreadable),
        (" https://example.com/", Refusal::Unreadable),
        ("https://example.com/\n", Refusal::Unreadable),
        ("https://", Refusal::Unreadable),
        ("http://example.com/", Refusal::Scheme),
        ("file:///etc/passwd", Refusal::Scheme),
        ("gopher://example.com/", Refusal::Scheme),
        ("ftp://example.com/", Refusal::Scheme),
        ("https://user@example.com/", Refusal::UserInfo),
        ("https://user:word@example.com/", Refusal::UserInfo),
        ("https://example.com/#part", Refusal::Fragment),
        ("https://example.com:22/", Refusal::Port),
        ("https://example.com:6379/", Refusal::Port),
        ("https://127.0.0.1/", Refusal::NotPublic),
        ("https://2130706433/", Refusal::NotPublic),
        ("https://0x7f.1/", Refusal::NotPublic),
        ("https://0177.0.0.1/", Refusal::NotPublic),
        ("https://127.1/", Refusal::NotPublic),
        ("https://0.0.0.0/", Refusal::NotPublic),
        ("https://０x7f.1/", Refusal::NotPublic),
        ("https://169.254.169.254/latest/meta-data/", Refusal::NotPublic),
        ("https://[::1]/", Refusal::NotPublic),
        ("https://[::ffff:10.0.0.1]/", Refusal::NotPublic),
        ("https://[64:ff9b::7f00:1]/", Refusal::NotPublic),
        ("https://[fe80::1]/", Refusal::NotPublic),
    ] {
        assert_eq!(strict.parse(text).err(), Some(why), "{text}");
    }
    assert_eq!(
        strict.parse(&format!("https://example.com/{}", "x".repeat(500))).err(),
        Some(Refusal::TooLong)
    );
    for text in ["https://example.com/hook?x=1", "https://example.com:8443/", "https://8.8.8.8/"] {
        assert!(strict.parse(text).is_ok(), "{text}");
    }
}

#[test]
fn this_machine_is_called_only_where_it_is_allowed() {
    let open = outside(Policy { loopback: true, ..strict() }, Told::new(&[&["127.0.0.1"]]));
    for text in ["http://127.0.0.1:9/", "http://localhost:8080/x", "http://[::1]:7/"] {
        assert!(open.parse(text).is_ok(), "{text}");
    }
    for text in
        ["http://example.com/", "http://10.0.0.1:80/", "https://example.com:22/", "http://169.254.169.254/"]
    {
        assert!(open.parse(text).is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_name_with_one_address_that_is_not_public_is_refused() {
    for answer in [&["8.8.8.8", "10.0.0.1"][..], &["::1"], &["169.254.169.254"], &["::ffff:127.0.0.1"]] {
        let strict = outside(strict(), Told::new(&[answer]));
        let url = strict.parse("https://rebound.example/").unwrap();
        assert_eq!(strict.check(&url, BOUNDS.time).await, Err(Refusal::NotPublic), "{answer:?}");
        let called = strict.post(&url, HeaderMap::new(), String::new(), BOUNDS).await;
        assert_eq!(called.err(), Some(Failure::Refused), "{answer:?}");
    }
    let nobody = outside(strict(), Told::new(&[&[]]));
    let url = nobody.parse("https://nobody.example/").unwrap();
    assert_eq!(nobody.check(&url, BOUNDS.time).await, Err(Refusal::Unknown));
    assert_eq!(
        nobody.post(&url, HeaderMap::new(), String::new(), BOUNDS).await.err(),
        Some(Failure::Unresolved)
    );
}

/// The name is public while it is registered and this machine when it is called: nothing may arrive here.
#[tokio::test]
async fn a_name_that_turns_inwards_after_it_was_judged_is_not_called() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let names = Told::new(&[&["93.184.215.14"], &["127.0.0.1"]]);
    let strict = outside(Policy { ports: vec![port], ..strict() }, names.clone());
    let url = strict.parse(&format!("https://rebound.example:{port}/")).unwrap();
    assert_eq!(strict.check(&url, BOUNDS.time).await, Ok(()));
    let called = strict.post(&url, HeaderMap::new(), "{}".to_owned(), BOUNDS).await;
    assert_eq!(called.err(), Some(Failure::Refused));
    assert_eq!(names.asked.load(Ordering::SeqCst), 2, "judged again at the connection");
    let arrived = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(arrived.is_err(), "a connection was made to this machine");
}

/// Plain http opens no way inside: the same judgement, and the named port only.
#[tokio::test]
async fn plain_http_goes_to_public_addresses_only() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let policy = Policy { plain: true, ports: vec![port], ..strict() };
    for inside in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"] {
        let plain = outside(policy.clone(), Told::new(&[&["93.184.215.14", inside]]));
        let url = plain.parse(&format!("http://proof.example:{port}/file")).unwrap();
        assert_eq!(plain.get(&url, BOUNDS).await.err(), Some(Failure::Refused), "{inside}");
    }
    let arrived = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(arrived.is_err(), "a connection was made to this machine");
    let plain = outside(policy, Told::new(&[&["8.8.8.8"]]));
    for (text, why) in [
        ("http://proof.example:22/", Refusal::Port),
        ("http://127.0.0.1/", Refusal::Port),
        ("ftp://proof.example/", Refusal::Scheme),
    ] {
        assert_eq!(plain.parse(text).err(), Some(why), "{text}");
    }
}

/// No second question is asked between the judgement and the connection.
#[tokio::test]
async fn a_connection_goes_to_the_addresses_that_were_judged() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let names = Told::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let open = outside(Policy { loopback: true, ..strict() }, names.clone());
    let url = open.parse(&format!("http://localhost:{port}/")).unwrap();
    let call =
        open.post(&url, HeaderMap::new(), String::new(), Bounds { time: Duration::from_secs(2), bytes: 10 });
    let accept = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        assert!(tokio::io::AsyncReadExt::read(&mut socket, &mut buffer).await.unwrap() > 0);
        tokio::io::AsyncWriteExt::write_all(&mut socket, b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    };
    let (called, ()) = tokio::join!(call, accept);
    assert_eq!(called.unwrap().status, 204);
    assert_eq!(names.names.lock().unwrap().as_slice(), ["localhost"]);
}
