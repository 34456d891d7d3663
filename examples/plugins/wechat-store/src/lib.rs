//! The built-in WeChat shop as a component: the same plugin, another box. A fix of it can be sent to an installation
//! as a file, without a new version of the server.

qianpu_guest::export_channel!(
    qianpu_wechat_store::WechatStore,
    version = "0.1.0",
    secret_fields = [
        "access_token",
        "component_access_token",
        "authorizer_access_token",
        "authorizer_refresh_token",
        "refresh_token",
    ]
);
