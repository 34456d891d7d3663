//! The built-in Douyin channel as a component: its calls and pushes are signed with a secret that it never reads.

qianpu_guest::export_channel!(
    qianpu_douyin::Douyin,
    version = "0.1.0",
    secret_fields = ["access_token", "refresh_token"]
);
