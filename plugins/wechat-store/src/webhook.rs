//! Pushes: the wire is shared with the other WeChat channels.

use crate::WechatStore;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{ChannelError, Notice, PushCredentials, PushRefusal, PushReply, RawPush, Verified, Webhook};
use qianpu_wechat_wire::{events, push};

impl Webhook for WechatStore {
    fn verify(
        &self,
        raw: &RawPush,
        credentials: &PushCredentials,
        now: Timestamp,
    ) -> Result<Verified, PushRefusal> {
        push::verify(raw, credentials, now)
    }
    fn decode(&self, verified: &Verified) -> Result<Vec<Notice>, ChannelError> {
        events::decode(verified)
    }
    fn handshake(
        &self,
        raw: &RawPush,
        credentials: &PushCredentials,
        now: Timestamp,
    ) -> Result<PushReply, PushRefusal> {
        push::handshake(raw, credentials, now)
    }
    fn acknowledge(&self, _verified: &Verified) -> PushReply {
        push::acknowledge()
    }
    fn refuse(&self, refusal: PushRefusal) -> PushReply {
        push::refuse(refusal)
    }
}
