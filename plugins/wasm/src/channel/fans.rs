//! Operations about followers and tags.

use super::{WasmChannel, op, plain};
use qianpu_sdk::{Answer, Context, Fan, FanPage, FanTag, Fans, TagMark, TagName, Turn};
use serde_json::json;

impl Fans for WasmChannel {
    operations! {
        list, resume_list(after: Option<&str>) -> FanPage = op::FAN_LIST, json!({ "after": after }), plain;
        details, resume_details(open_ids: &[String]) -> Vec<Fan> =
            op::FAN_DETAILS, json!({ "open_ids": open_ids }), plain;
        tags, resume_tags() -> Vec<FanTag> = op::FAN_TAGS, json!({}), plain;
        create_tag, resume_create_tag(name: &str) -> FanTag = op::FAN_CREATE_TAG, json!({ "name": name }), plain;
        rename_tag, resume_rename_tag(tag: &TagName) -> () = op::FAN_RENAME_TAG, json!(tag), plain;
        delete_tag, resume_delete_tag(tag_id: &str) -> () = op::FAN_DELETE_TAG, json!({ "tag_id": tag_id }), plain;
        mark, resume_mark(mark: &TagMark) -> () = op::FAN_MARK, json!(mark), plain;
    }
}
