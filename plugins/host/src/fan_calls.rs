//! Operations about followers of an account and their tags.

use crate::drive::Host;
use crate::refresh::turn;
use crate::vault::AccountRef;
use qianpu_sdk::{ChannelError, Fan, FanPage, FanTag, TagMark, TagName};

impl Host {
    /// One page of the ids of those who follow.
    pub async fn fans(&self, account: &AccountRef, after: Option<&str>) -> Result<FanPage, ChannelError> {
        self.account_operation(
            account,
            "fan.list",
            |channel, cx| turn(channel.fans(), "fans", |c| c.list(cx, after)),
            |channel, cx, state, answers| turn(channel.fans(), "fans", |c| c.resume_list(cx, state, answers)),
        )
        .await
    }

    /// What the platform tells about people, at most 100.
    pub async fn fan_details(
        &self,
        account: &AccountRef,
        open_ids: &[String],
    ) -> Result<Vec<Fan>, ChannelError> {
        self.account_operation(
            account,
            "fan.details",
            |channel, cx| turn(channel.fans(), "fans", |c| c.details(cx, open_ids)),
            |channel, cx, state, answers| {
                turn(channel.fans(), "fans", |c| c.resume_details(cx, state, answers))
            },
        )
        .await
    }

    /// The account's tags.
    pub async fn fan_tags(&self, account: &AccountRef) -> Result<Vec<FanTag>, ChannelError> {
        self.account_operation(
            account,
            "fan.tags",
            |channel, cx| turn(channel.fans(), "fans", |c| c.tags(cx)),
            |channel, cx, state, answers| turn(channel.fans(), "fans", |c| c.resume_tags(cx, state, answers)),
        )
        .await
    }

    /// Makes a tag, or finds the one with this name.
    pub async fn create_fan_tag(&self, account: &AccountRef, name: &str) -> Result<FanTag, ChannelError> {
        self.account_operation(
            account,
            "fan.create_tag",
            |channel, cx| turn(channel.fans(), "fans", |c| c.create_tag(cx, name)),
            |channel, cx, state, answers| {
                turn(channel.fans(), "fans", |c| c.resume_create_tag(cx, state, answers))
            },
        )
        .await
    }

    /// Gives a tag another name.
    pub async fn rename_fan_tag(&self, account: &AccountRef, tag: &TagName) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "fan.rename_tag",
            |channel, cx| turn(channel.fans(), "fans", |c| c.rename_tag(cx, tag)),
            |channel, cx, state, answers| {
                turn(channel.fans(), "fans", |c| c.resume_rename_tag(cx, state, answers))
            },
        )
        .await
    }

    /// Deletes a tag.
    pub async fn delete_fan_tag(&self, account: &AccountRef, tag_id: &str) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "fan.delete_tag",
            |channel, cx| turn(channel.fans(), "fans", |c| c.delete_tag(cx, tag_id)),
            |channel, cx, state, answers| {
                turn(channel.fans(), "fans", |c| c.resume_delete_tag(cx, state, answers))
            },
        )
        .await
    }

    /// Puts a tag on people, or takes it off; at most 50 at once.
    pub async fn mark_fans(&self, account: &AccountRef, mark: &TagMark) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "fan.mark",
            |channel, cx| turn(channel.fans(), "fans", |c| c.mark(cx, mark)),
            |channel, cx, state, answers| turn(channel.fans(), "fans", |c| c.resume_mark(cx, state, answers)),
        )
        .await
    }
}
