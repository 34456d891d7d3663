//! The binary `qianpu`; see `qianpu --help`.

fn main() -> std::process::ExitCode {
    qianpu_api::cli::main()
}
