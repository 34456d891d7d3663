//! The whole application in a test: the real HTTP server on a free port, over a fresh database, sending mail to a real
//! SMTP server, with a clock the test moves.

use qianpu_api::config::Config;
use qianpu_api::http::server::{Running, serve_listener};
use qianpu_api::jobs::runner::run_until_idle;
use qianpu_api::state::AppState;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::clock::Clock;
use tokio_util::sync::CancellationToken;

use crate::TestDb;
use crate::http::Client;
use crate::smtp::Smtp;

/// When every test begins: 2026-03-02 10:00 in Shanghai, a Monday.
pub const BEGIN: i64 = 1_772_416_800;

const JOBS_WITHIN: std::time::Duration = std::time::Duration::from_secs(60);

/// A running application; ends when [`TestApp::stop`] is called or the test does.
pub struct TestApp {
    pub state: AppState,
    pub smtp: Smtp,
    pub base_url: String,
    /// What it was configured with, for a second process on the same data.
    pub settings: Vec<(String, String)>,
    running: Running,
    _data_dir: tempfile::TempDir,
    // Last, so that the database is dropped after everything that uses it.
    pub db: TestDb,
}

impl TestApp {
    /// Starts with a clock that stands at [`BEGIN`] until the test moves it.
    pub async fn start(db: TestDb) -> TestApp {
        Self::start_with(db, Clock::fixed(Timestamp::from_seconds(BEGIN)), &[]).await
    }

    /// Starts with a clock and settings of the test's own (`("QIANPU__HTTP__WORKERS", "1")`).
    pub async fn start_with(db: TestDb, clock: Clock, settings: &[(&str, &str)]) -> TestApp {
        show_errors();
        let smtp = Smtp::start().await;
        let data_dir = tempfile::Builder::new().prefix("qianpu-test-data-").tempdir().expect("a directory");
        // Bound here first: links in mails and hook addresses carry the port.
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("the socket has an address").to_string();
        let base_url = format!("http://{address}");
        let mut all: Vec<(String, String)> = [
            ("QIANPU__APP__PUBLIC_URL", base_url.as_str()),
            ("QIANPU__APP__DATA_DIR", &data_dir.path().to_string_lossy()),
            ("QIANPU__DATABASE__URL", &db.url()),
            ("QIANPU__HTTP__BIND", &address),
            ("QIANPU__HTTP__WORKERS", "2"),
            ("QIANPU__HTTP__SHUTDOWN_SECONDS", "2"),
            // Tests of limits set their own.
            ("QIANPU__LIMITS__ADDRESS_PER_SECOND", "0"),
            ("QIANPU__LIMITS__TENANT_PER_SECOND", "0"),
            ("QIANPU__LIMITS__CALLER_PER_SECOND", "0"),
            ("QIANPU__MAIL__TRANSPORT", "smtp"),
            ("QIANPU__MAIL__SMTP_HOST", "127.0.0.1"),
            ("QIANPU__MAIL__SMTP_PORT", &smtp.address.port().to_string()),
            ("QIANPU__MAIL__SMTP_SECURITY", "none"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        all.extend(settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let config = Config::from_parts(None, all.clone()).expect("the test's configuration is valid");
        let state = AppState::with_db(config, db.open(clock).await).expect("the application starts");
        let running =
            serve_listener(state.clone(), listener, CancellationToken::new()).expect("the server starts");
        TestApp { state, smtp, base_url, settings: all, running, _data_dir: data_dir, db }
    }

    /// A client without a log-in.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.base_url)
    }

    /// A client logged in as this person, by the real log-in.
    pub async fn api(&self, email: &str, password: &str) -> Client {
        let body = serde_json::json!({ "email": email, "password": password });
        let answer = self.anonymous().post("/api/v1/auth/login", &body, 200).await;
        let token = answer.text("/access_token");
        self.anonymous().with_token(&token)
    }

    /// Moves the clock of the application.
    pub fn advance(&self, seconds: i64) {
        self.state.clock().advance(qianpu_domain::time::Span::seconds(seconds));
    }

    /// Moves the clock to the start of a minute: what a platform's limit per minute holds back is not due meanwhile.
    pub fn advance_to_next_minute(&self) {
        let of_minute = self.state.clock().now().micros().rem_euclid(60_000_000);
        self.state.clock().advance(qianpu_domain::time::Span::micros(60_000_000 - of_minute));
    }

    /// Runs every job that is due at the clock's time, until none is; returns how many ran.
    pub async fn run_jobs(&self) -> usize {
        tokio::time::timeout(JOBS_WITHIN, run_until_idle(&self.state))
            .await
            .unwrap_or_else(|_| panic!("jobs did not come to rest within {JOBS_WITHIN:?}"))
            .expect("jobs can be claimed")
    }

    /// Stops as a signal would, and waits for it.
    pub async fn stop(self) {
        self.running.stop().await.expect("the server stops");
    }
}

/// What the application logs as an error belongs to the output of a test that fails; `RUST_LOG` shows more.
fn show_errors() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    // Only the first test of the process gets to set it, and they all want the same.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
}
