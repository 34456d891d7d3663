//! The program `qianpu` as a process of its own, on the data of a running test, so that a test can kill it.
//!
//! The process is the test binary again, told to run one ignored test which hands its arguments to the program's own
//! `main`: so it is always built together with the tests, and nothing has to be found on the disk.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::app::TestApp;
use crate::deadline::PATIENCE;
use crate::http::{Client, http_client};

/// Arguments of the program, separated by blanks.
pub const ARGUMENTS: &str = "QIANPU_TEST_PROGRAM";

/// A running process; killed when the value is dropped.
pub struct Program {
    pub base_url: String,
    process: Child,
}

impl Program {
    /// Starts `qianpu serve` on the data of `app` and a port of its own, and waits until it is ready.
    /// `entry` is the ignored test that calls [`run`].
    pub async fn serve(app: &TestApp, entry: &str, arguments: &str) -> Program {
        Self::serve_logging(app, entry, arguments, &[], Stdio::null()).await
    }

    /// The same with settings of its own, and a place for its log.
    pub async fn serve_logging(
        app: &TestApp,
        entry: &str,
        arguments: &str,
        settings: &[(&str, &str)],
        log: Stdio,
    ) -> Program {
        let address = free_address();
        let process = child(entry, arguments)
            .envs(app.settings.iter().cloned())
            .env("QIANPU__HTTP__BIND", &address)
            .envs(settings.iter().copied())
            .stderr(log)
            .spawn()
            .expect("the process starts");
        Self { base_url: format!("http://{address}"), process }.ready("/readyz").await
    }

    /// Starts `qianpu sandbox` on a port of its own.
    pub async fn sandbox(entry: &str, data_file: &Path) -> Program {
        let address = free_address();
        let arguments = format!("sandbox --bind {address} --data-file {}", data_file.display());
        let process = child(entry, &arguments).stderr(Stdio::null()).spawn().expect("the process starts");
        Self { base_url: format!("http://{address}"), process }.ready("/sandbox/api/health").await
    }

    async fn ready(mut self, path: &str) -> Program {
        let (http, ready) = (http_client(), format!("{}{path}", self.base_url));
        let start = Instant::now();
        while !http.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
            let ended = self.process.try_wait().expect("the process can be asked");
            assert!(ended.is_none(), "the process ended by itself: {ended:?}");
            assert!(start.elapsed() < PATIENCE, "the process did not serve within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self
    }

    /// A caller of this process with the access token of `person`.
    pub fn client_of(&self, person: &Client) -> Client {
        Client::new(&self.base_url).with_token(person.token().expect("somebody who is logged in"))
    }

    /// Ctrl-C: what waits is written. Returns when the process is gone, and it ended well.
    pub fn interrupt(&mut self) {
        let id = self.process.id().to_string();
        let told = Command::new("kill").args(["-INT", &id]).status().expect("`kill` runs");
        assert!(told.success(), "the process can be interrupted");
        let ended = self.process.wait().expect("the process can be waited for");
        assert!(ended.success(), "the process ended with {ended}");
    }

    /// Its id in the system, to look how much memory it has.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// `kill -9`: nothing is flushed, rolled back or said good-bye to. Returns when the process is gone.
    pub fn kill(&mut self) {
        self.process.kill().expect("the process can be killed");
        self.process.wait().expect("the process can be waited for");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Given back at once: nobody else asks for this very port within a moment.
fn free_address() -> String {
    let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    socket.local_addr().expect("the socket has an address").to_string()
}

fn child(entry: &str, arguments: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the path of the test binary"));
    command
        .args(["--exact", entry, "--ignored", "--nocapture"])
        .env(ARGUMENTS, arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// What the ignored test does in the process. Without arguments, in an ordinary run of ignored tests, nothing.
pub fn run() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let arguments = std::iter::once("qianpu").chain(arguments.split(' '));
    qianpu_api::cli::main_with(arguments.map(Into::into));
}
