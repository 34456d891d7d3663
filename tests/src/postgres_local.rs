//! The machine's own PostgreSQL: a throw-away cluster in a temporary directory.
//!
//! A small shell process owns the server and waits on a pipe which the test process holds open. When the test process
//! ends — by success, panic, Ctrl-C or kill — the pipe closes, and the shell stops the server and removes the
//! directory. `initdb` refuses to run as root, so root hands the whole shell to `postgres` or `nobody`.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::left_out;
use crate::postgres::{Found, connect};

const READY_WITHIN: Duration = Duration::from_secs(60);

/// Held for the life of the process: dropping it would close the pipe and stop the server.
static OWNER_SHELL: OnceLock<Child> = OnceLock::new();

const SCRIPT: &str = r#"
"$BIN/initdb" -D "$DIR/data" -U postgres -A password --pwfile="$DIR/password" -E UTF8 --locale=C --no-sync \
    >"$DIR/initdb.log" 2>&1 || { cat "$DIR/initdb.log" >&2; touch "$DIR/failed"; }
if [ ! -e "$DIR/failed" ]; then
    "$BIN/postgres" -D "$DIR/data" -p "$PORT" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 -c shared_buffers=128MB \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 \
        -c autovacuum=off -c timezone=Asia/Kathmandu -c logging_collector=off -c log_parameter_max_length=0 \
        -c log_min_error_statement=panic -c "$PREFIX" </dev/null &
    server=$!
fi
read -r _ || true
[ -n "${server:-}" ] && kill -INT "$server" 2>/dev/null && wait "$server"
rm -rf "$DIR"
"#;

pub(crate) async fn start() -> Result<Found, String> {
    let bin = binaries().ok_or("no initdb and postgres on the PATH or in /usr/lib/postgresql/*/bin")?;
    let user = if is_root() { Some(unprivileged_user()?) } else { None };
    let dir = data_dir(user.as_ref())?;
    let password = random_hex()?;
    write_for(&dir.join("password"), &password, user.as_ref())?;
    let port = free_port()?;

    let log_path = left_out::notes_dir().join(format!("sql-{}.log", std::process::id()));
    let log = std::fs::File::create(&log_path).map_err(|e| format!("the log {}: {e}", log_path.display()))?;
    let mut command = shell(user.as_ref())?;
    command
        .env("BIN", &bin)
        .env("DIR", &dir)
        .env("PORT", port.to_string())
        .env("PREFIX", crate::sql_lint::LOG_LINE_PREFIX)
        .current_dir(&dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0);
    let child = command.spawn().map_err(|e| format!("the shell that owns the server: {e}"))?;
    OWNER_SHELL.set(child).map_err(|_| "the local server was started twice".to_owned())?;

    let superuser_url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
    wait_until_ready(&superuser_url, &dir, &log_path).await?;
    Ok(Found { superuser_url, sql_log: Some(log_path), origin: format!("{} of this machine", bin.display()) })
}

async fn wait_until_ready(url: &str, dir: &Path, log: &Path) -> Result<(), String> {
    let start = Instant::now();
    loop {
        let error = match connect(url).await {
            Ok(connection) => {
                connection.close().await.map_err(|e| e.to_string())?;
                return Ok(());
            }
            Err(error) => error,
        };
        if dir.join("failed").exists() || start.elapsed() > READY_WITHIN {
            let said = std::fs::read_to_string(log).unwrap_or_default();
            return Err(format!("the server did not start: {error}; it said: {said}"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The directory holding both programs: first by PATH, then the newest of the Debian layout.
fn binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut debian: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok())
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    debian.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    dirs.extend(debian.into_iter().map(|(_, dir)| dir));
    dirs.push(PathBuf::from("/opt/homebrew/opt/postgresql@17/bin"));
    dirs.into_iter().find_map(|dir| {
        // A link on the PATH may lead to the real directory, where the rest of the installation is.
        let initdb = dir.join("initdb").canonicalize().ok()?;
        let real = initdb.parent()?.to_path_buf();
        real.join("postgres").is_file().then_some(real)
    })
}

struct User {
    name: String,
    uid: u32,
    gid: u32,
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}

fn unprivileged_user() -> Result<User, String> {
    let passwd = std::fs::read_to_string("/etc/passwd").map_err(|e| format!("/etc/passwd: {e}"))?;
    let find = |wanted: &str| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let uid: u32 = fields.nth(1)?.parse().ok()?;
            let gid: u32 = fields.next()?.parse().ok()?;
            (name == wanted && uid != 0).then(|| User { name: name.to_owned(), uid, gid })
        })
    };
    find("postgres").or_else(|| find("nobody")).ok_or_else(|| {
        "running as root, and there is neither a user postgres nor nobody to run the server as".to_owned()
    })
}

/// A shell running [`SCRIPT`], as `user` where one is given.
fn shell(user: Option<&User>) -> Result<Command, String> {
    let Some(user) = user else {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]);
        return Ok(command);
    };
    let exists = |program: &str| {
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
            .map(|dir| dir.join(program))
            .find(|path| path.is_file())
    };
    if let Some(setpriv) = exists("setpriv") {
        let mut command = Command::new(setpriv);
        command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid));
        command.args(["--clear-groups", "--", "sh", "-c", SCRIPT]);
        return Ok(command);
    }
    if let Some(runuser) = exists("runuser") {
        let mut command = Command::new(runuser);
        command.args(["-u", &user.name, "--", "sh", "-c", SCRIPT]);
        return Ok(command);
    }
    if let Some(su) = exists("su") {
        let mut command = Command::new(su);
        command.args(["-m", "-s", "/bin/sh", &user.name, "-c", SCRIPT]);
        return Ok(command);
    }
    Err("running as root without setpriv, runuser or su".to_owned())
}

fn data_dir(user: Option<&User>) -> Result<PathBuf, String> {
    let dir = tempfile::Builder::new()
        .prefix("qianpu-postgres-")
        .tempdir_in(roomy_memory().unwrap_or_else(std::env::temp_dir))
        .map_err(|e| format!("a temporary directory: {e}"))?
        .keep();
    give(&dir, user)?;
    Ok(dir)
}

/// Each test copies and drops a database of some thousand small files, which a disk's file system takes long to find
/// room for; memory does not. Only where there is plenty of it.
fn roomy_memory() -> Option<PathBuf> {
    const ENOUGH_BYTES: u64 = 6 << 30;
    let dir = PathBuf::from("/dev/shm");
    let room = rustix::fs::statvfs(&dir).ok()?;
    (room.f_bavail.saturating_mul(room.f_frsize) >= ENOUGH_BYTES).then_some(dir)
}

fn write_for(path: &Path, content: &str, user: Option<&User>) -> Result<(), String> {
    std::fs::write(path, content).map_err(|e| format!("{}: {e}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|e| format!("{}: {e}", path.display()))?;
    give(path, user)
}

fn give(path: &Path, user: Option<&User>) -> Result<(), String> {
    let Some(user) = user else { return Ok(()) };
    std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid))
        .map_err(|e| format!("{} for {}: {e}", path.display(), user.name))
}

fn free_port() -> Result<u16, String> {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|e| format!("a free port on loopback: {e}"))
}

fn random_hex() -> Result<String, String> {
    use std::io::Read;
    let mut bytes = [0u8; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|e| format!("/dev/urandom: {e}"))?;
    Ok(hex::encode(bytes))
}
