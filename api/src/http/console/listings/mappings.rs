//! Categories of channels that are remembered: the list, and the form of one.

use super::HOME;
use crate::app::channels::find;
use crate::app::listings::mapping::{self, MappingView, Remember};
use crate::error::{Answer, ApiError};
use crate::http::console::channels::read_path;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ChannelMappingId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::category::category_list;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::IntoParams;

const MAPPINGS: &str = "/console/merchant/channel_mappings";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(MAPPINGS, mappings_page);
    pages.post(MAPPINGS, remember_form);
    pages.get("/console/merchant/channel_mappings/{channel_mapping_id}", mapping_page);
    pages.post("/console/merchant/channel_mappings/{channel_mapping_id}/forget", forget_form);
}

#[derive(Deserialize, IntoParams)]
struct ListQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct MappingRow {
    id: String,
    channel: String,
    category: String,
    category_path: String,
    attributes: Vec<String>,
    updated_at: i64,
}

#[derive(Serialize)]
struct MappingsView {
    mappings: Vec<MappingRow>,
    next_page: Option<String>,
    may_write: bool,
    form: FormView,
    channels: Vec<Choice>,
    categories: Vec<Choice>,
    back: &'static str,
    home: &'static str,
    /// The one that is being changed.
    one: Option<String>,
}

fn channel_name<T>(auth: &Authed<perm::ListingRead, T>, slug: &str) -> String {
    find(slug).map_or_else(
        |_| slug.to_owned(),
        |one| auth.info.lang.pick(one.info().name_zh, one.info().name_en).to_owned(),
    )
}

/// Attributes as people type them: one a line, name = value.
fn lines(attributes: &BTreeMap<String, String>) -> Vec<String> {
    attributes.iter().map(|(name, value)| format!("{name} = {value}")).collect()
}

fn read_lines(text: &str) -> Result<BTreeMap<String, String>, FieldError> {
    let mut found = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once(['=', '＝', ':', '：']) else {
            let (en, zh) = ("one attribute a line: name = value", "每行一个属性，格式：属性名 = 属性值");
            return Err(FieldError::new("attributes", "invalid", en, zh));
        };
        found.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    Ok(found)
}

async fn view<T>(
    auth: &Authed<perm::ListingRead, T>,
    cursor: Option<&str>,
    form: FormView,
    one: Option<String>,
) -> Answer<MappingsView> {
    let lang = auth.info.lang;
    let found = mapping::list(&auth.state, &auth.grant, page_request(Some(20), cursor)?).await?;
    let parent = auth.state.db.read_parent(auth.grant.ctx()).await?;
    let tree = category_list(&parent).await?;
    drop(parent);
    let above: BTreeMap<_, _> = tree.iter().map(|node| (node.id, node)).collect();
    let name =
        |node: &qianpu_tenants::store::category::Category| lang.pick(&node.name_zh, &node.name_en).to_owned();
    let categories = tree.iter().map(|node| {
        let mut label = name(node);
        let mut up = node.parent;
        while let Some(parent) = up.and_then(|id| above.get(&id)) {
            label = format!("{} / {label}", name(parent));
            up = parent.parent;
        }
        Choice { value: node.id.to_string(), label }
    });
    let mut categories: Vec<Choice> = categories.collect();
    categories.sort_by(|one, other| one.label.cmp(&other.label));
    let channels = qianpu_host::channels().into_iter().filter(|one| one.catalog().is_some());
    Ok(MappingsView {
        next_page: found.next.map(|next| format!("{MAPPINGS}?cursor={}", cursor_text(&next))),
        mappings: found
            .items
            .into_iter()
            .map(|MappingView { mapping, names }| MappingRow {
                id: mapping.id.to_string(),
                channel: channel_name(auth, &mapping.channel),
                category: names.iter().map(|(zh, en)| lang.pick(zh, en)).collect::<Vec<_>>().join(" / "),
                category_path: mapping.category_path.join(" / "),
                attributes: lines(&mapping.attributes),
                updated_at: mapping.updated_at.micros(),
            })
            .collect(),
        may_write: auth.caller.may(Permission::ListingWrite),
        form,
        channels: channels
            .map(|one| Choice {
                value: one.info().slug.to_owned(),
                label: lang.pick(one.info().name_zh, one.info().name_en).to_owned(),
            })
            .collect(),
        categories,
        back: if one.is_some() { MAPPINGS } else { HOME },
        home: MAPPINGS,
        one,
    })
}

async fn mappings_page(auth: Authed<perm::ListingRead, Query<ListQuery>>) -> PageAnswer {
    let view = view(&auth, auth.input.0.cursor.as_deref(), FormView::default(), None).await?;
    auth.page("listings/mappings", view)
}

async fn mapping_page(auth: Authed<perm::ListingRead, Path<ChannelMappingId>>) -> PageAnswer {
    let found = mapping::get(&auth.state, &auth.grant, auth.input.0).await?.mapping;
    let form = FormView::filled([
        ("channel", found.channel.clone()),
        ("category_id", found.category.to_string()),
        ("category_path", found.category_path.join(" / ")),
        ("attributes", lines(&found.attributes).join("\n")),
    ]);
    let view = view(&auth, None, form, Some(found.id.to_string())).await?;
    auth.page("listings/mappings", view)
}

fn typed(fields: &Fields) -> Result<Remember, ApiError> {
    let Ok(category) = fields.text("category_id").parse() else {
        let (en, zh) = ("choose a category", "请选择商品类目");
        return Err(FieldError::new("category_id", "required", en, zh).into());
    };
    Ok(Remember {
        channel: fields.text("channel").to_owned(),
        category,
        category_path: read_path(fields.text("category_path")),
        attributes: read_lines(fields.text("attributes"))?,
    })
}

async fn remember_form(auth: Authed<perm::ListingWrite, Fields>) -> PageAnswer {
    let outcome = match typed(&auth.input) {
        Ok(command) => mapping::remember(&auth.state, &auth.grant, &command).await.map(drop),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("listings.mapping_saved"), MAPPINGS)),
        Err(error) if error.code().status() == 422 => {
            let why = crate::http::v1::listing_rules::words(&auth, &error);
            Ok(auth.redirect_with(&Flash::failure("listings.refused").with("why", why), MAPPINGS))
        }
        Err(error) => Err(error),
    }
}

async fn forget_form(auth: Authed<perm::ListingWrite, (Path<ChannelMappingId>, Fields)>) -> PageAnswer {
    mapping::forget(&auth.state, &auth.grant, auth.input.0.0).await?;
    Ok(auth.redirect_with(&Flash::success("listings.mapping_forgotten"), MAPPINGS))
}
