//! Operations run inside spawned tasks and web handlers, so their futures have to be `Send`.

use qianpu_host::{AccountRef, AppRef, Host};
use qianpu_sdk::{ProductDraft, PublishedRefs, Secret, Shipment};

fn send<T: Send>(value: T) -> T {
    value
}

/// Compiling is the test.
#[allow(dead_code, reason = "never called: the types are what is tested")]
async fn futures_are_send(
    host: &Host,
    app: &AppRef,
    account: &AccountRef,
    draft: &ProductDraft,
    shipment: &Shipment,
) {
    let _ = send(host.publish(account, draft, &PublishedRefs::default())).await;
    let _ = send(host.ship(account, shipment)).await;
    let _ = send(host.complete_link(app, &Secret::from("code"))).await;
    let _ = send(host.try_direct_link("wechat-store", "wx", None, &Secret::from("secret"))).await;
}

#[test]
fn every_channel_is_found_by_its_slug() {
    for channel in qianpu_host::CHANNELS {
        let slug = channel.info().slug;
        assert_eq!(qianpu_host::find(slug).map(|found| found.info().slug), Some(slug));
    }
    assert!(qianpu_host::find("nowhere").is_none());
}
