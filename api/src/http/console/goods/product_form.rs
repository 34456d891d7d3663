//! The product form, for new products and for changes. It works without JavaScript: specifications are
//! typed one value per line, a button makes the rows; pictures come with the form.

use super::picture_address;
use super::sku_rows::{RowText, RowView, SkuTable, SpecText, SpecView, blank_row};
use crate::app::categories::category_tree;
use crate::app::media::{self, Purpose};
use crate::app::products::input::ProductInput;
use crate::app::products::{ProductDetail, product_create, product_read, product_update};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Query, Upload};
use crate::http::route::PageRoutes;
use crate::http::v1::MEDIA_LIMIT;
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use actix_web::HttpResponse;
use qianpu_domain::access::Permission;
use qianpu_domain::catalog::MAX_PICTURES;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{CategoryId, MediaId, ProductId, ShopId};
use qianpu_tenants::authz::{Caller, perm};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::category::Category;
use qianpu_tenants::store::shop::shop_list;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/products/new", product_new_page);
    pages.post("/console/merchant/products/new", product_new_form);
    pages.get("/console/merchant/products/{product_id}/edit", product_edit_page);
    pages.post("/console/merchant/products/{product_id}/edit", product_edit_form);
}

type Form = Upload<MEDIA_LIMIT>;

/// The form as texts.
#[derive(Debug, Clone, Default)]
struct Typed {
    /// Title, subtitle, description, category_id, code, shop_id.
    texts: Vec<(String, String)>,
    pictures: Vec<MediaId>,
    table: SkuTable,
    version: Option<i64>,
}

const TEXTS: [&str; 6] = ["title", "subtitle", "description", "category_id", "code", "shop_id"];

impl Typed {
    fn blank(shop: String) -> Self {
        let texts = TEXTS.iter().map(|name| {
            let value = if *name == "shop_id" { shop.clone() } else { String::new() };
            ((*name).to_owned(), value)
        });
        let table = SkuTable { specs: Vec::new(), rows: vec![RowText::default()] };
        Self { texts: texts.collect(), table, ..Self::default() }
    }

    fn of(detail: &ProductDetail) -> Self {
        let product = &detail.product;
        let value = |name: &str| match name {
            "title" => product.title.clone(),
            "subtitle" => product.subtitle.clone(),
            "description" => product.description.clone(),
            "category_id" => product.category.map(|id| id.to_string()).unwrap_or_default(),
            "code" => product.code.clone().unwrap_or_default(),
            _ => product.shop.to_string(),
        };
        let spec = |spec: &qianpu_domain::catalog::Specification| SpecText {
            name: spec.name.clone(),
            values: spec.values.join("\n"),
        };
        Self {
            texts: TEXTS.iter().map(|name| ((*name).to_owned(), value(name))).collect(),
            pictures: detail.pictures.clone(),
            table: SkuTable {
                specs: product.specifications.iter().map(spec).collect(),
                rows: detail.skus.iter().map(RowText::of).collect(),
            },
            version: Some(product.version),
        }
    }

    fn sent(fields: &Fields) -> Self {
        let removed: HashSet<&str> = fields.all("picture_remove").collect();
        let ids: Vec<&str> = fields.all("picture").collect();
        let places: Vec<i64> =
            fields.all("picture_place").map(|text| text.parse().unwrap_or(i64::MAX)).collect();
        let mut pictures: Vec<(i64, MediaId)> = ids
            .iter()
            .enumerate()
            .filter(|(_, id)| !removed.contains(*id))
            .filter_map(|(index, id)| {
                Some((places.get(index).copied().unwrap_or(i64::MAX), id.parse().ok()?))
            })
            .collect();
        // Without the script places are typed; it is a stable sort, so equal ones keep their order.
        pictures.sort_by_key(|(place, _)| *place);
        let mut table = SkuTable::sent(fields);
        table.follow_specifications();
        Self {
            texts: TEXTS.iter().map(|name| ((*name).to_owned(), fields.text(name).to_owned())).collect(),
            pictures: pictures.into_iter().map(|(_, id)| id).collect(),
            table,
            version: fields.text("version").parse().ok(),
        }
    }

    fn text(&self, name: &str) -> &str {
        self.texts.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    fn input(&self, errors: &mut Vec<FieldError>) -> ProductInput {
        let category: Option<CategoryId> = match self.text("category_id") {
            "" => None,
            text => {
                let id = text.parse().ok();
                if id.is_none() {
                    errors.push(FieldError::new("category_id", "unknown", "no such category", "类目不存在"));
                }
                id
            }
        };
        let (specifications, skus) = self.table.input(errors);
        ProductInput {
            title: self.text("title").to_owned(),
            subtitle: self.text("subtitle").to_owned(),
            // Browsers send line breaks as CR LF.
            description: self.text("description").replace("\r\n", "\n"),
            category,
            code: Some(self.text("code").to_owned()).filter(|code| !code.is_empty()),
            pictures: self.pictures.clone(),
            specifications,
            skus,
        }
    }
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
    disabled: bool,
}

#[derive(Serialize)]
struct PictureView {
    id: String,
    address: String,
    place: usize,
}

#[derive(Serialize)]
struct FormPage {
    form: FormView,
    /// None for a new product.
    product: Option<String>,
    back: String,
    version: Option<i64>,
    shops: Vec<Choice>,
    categories: Vec<Choice>,
    pictures: Vec<PictureView>,
    most_pictures: usize,
    specs: Vec<SpecView>,
    has_specs: bool,
    rows: Vec<RowView>,
    blank_row: RowView,
    may_upload: bool,
}

async fn render<T>(
    auth: &Authed<perm::ProductWrite, T>,
    typed: &Typed,
    product: Option<ProductId>,
    refusal: Option<&ApiError>,
) -> PageAnswer {
    let lang = auth.info.lang;
    let errors = refusal.map_or(&[][..], ApiError::errors);
    let (of_rows, rest): (Vec<FieldError>, Vec<FieldError>) = errors
        .iter()
        .cloned()
        .partition(|error| error.path.starts_with("skus[") || error.path.starts_with("specifications["));
    let fields = Fields(typed.texts.clone());
    let form = match refusal {
        None => FormView::filled(typed.texts.clone()),
        Some(error) if error.errors().is_empty() => FormView::refused_by(&fields, error, lang),
        Some(_) => FormView::refused(&fields, &rest, lang),
    };
    let (specs, rows) = typed.table.view(&of_rows, lang);
    let chosen = typed.text("category_id").to_owned();
    let tree = category_tree(&auth.state.db, &auth.grant).await?;
    let view = FormPage {
        form,
        back: product
            .map_or("/console/merchant/products".to_owned(), |id| format!("/console/merchant/products/{id}")),
        product: product.map(|id| id.to_string()),
        version: typed.version,
        shops: shop_choices(auth).await?,
        categories: category_choices(&tree, &chosen, lang),
        pictures: (1..)
            .zip(&typed.pictures)
            .map(|(place, id)| PictureView { id: id.to_string(), address: picture_address(*id), place })
            .collect(),
        most_pictures: MAX_PICTURES,
        has_specs: !typed.table.specs.is_empty(),
        specs,
        rows,
        blank_row: blank_row(),
        may_upload: auth.caller.may(Permission::MediaWrite),
    };
    if refusal.is_some() {
        auth.refused_page("goods/product_form", view)
    } else {
        auth.page("goods/product_form", view)
    }
}

async fn shop_choices<T>(auth: &Authed<perm::ProductWrite, T>) -> Answer<Vec<Choice>> {
    let tx = auth.state.db.read(auth.grant.ctx()).await?;
    let shops = shop_list(&tx, auth.grant.shops().as_deref(), PageRequest::first(100)).await?;
    let choice = |shop: qianpu_tenants::store::shop::Shop| Choice {
        value: shop.id.to_string(),
        label: shop.name,
        disabled: false,
    };
    Ok(shops.items.into_iter().map(choice).collect())
}

/// The ends of the tree with the way to them, admission and deposit. What may not be chosen is shown, but
/// cannot be.
fn category_choices(tree: &[Category], chosen: &str, lang: Lang) -> Vec<Choice> {
    let by_id: HashMap<CategoryId, &Category> = tree.iter().map(|node| (node.id, node)).collect();
    let parents: HashSet<CategoryId> = tree.iter().filter_map(|node| node.parent).collect();
    let mut choices: Vec<(String, Choice)> = Vec::new();
    for node in tree {
        let value = node.id.to_string();
        if parents.contains(&node.id) && value != chosen {
            continue;
        }
        let (mut names, mut order, mut closed) = (Vec::new(), Vec::new(), None);
        let mut at = Some(node);
        while let Some(step) = at {
            names.insert(0, lang.pick(&step.name_zh, &step.name_en));
            order.insert(0, format!("{:06}{}", step.position, step.code));
            if !step.admission.may_be_chosen() {
                closed = Some(step.admission);
            }
            at = step.parent.and_then(|parent| by_id.get(&parent).copied());
        }
        let note = match closed {
            Some(admission) => lang.pick(admission.title_zh(), admission.title_en()).to_owned(),
            None => format!("{} ¥{}", lang.pick("保证金", "deposit"), node.deposit),
        };
        let label = format!("{} · {note}", names.join(" / "));
        let disabled = closed.is_some() && value != chosen;
        choices.push((order.join("/"), Choice { value, label, disabled }));
    }
    choices.sort_by(|one, other| one.0.cmp(&other.0));
    choices.into_iter().map(|(_, choice)| choice).collect()
}

#[derive(Deserialize, IntoParams)]
struct NewQuery {
    shop_id: Option<String>,
}

async fn product_new_page(auth: Authed<perm::ProductWrite, Query<NewQuery>>) -> PageAnswer {
    let shop = auth.input.0.shop_id.clone().unwrap_or_default();
    render(&auth, &Typed::blank(shop), None, None).await
}

async fn product_edit_page(auth: Authed<perm::ProductWrite, Path<ProductId>>) -> PageAnswer {
    let id = auth.input.0;
    let grant = auth.caller.grant::<perm::ProductRead>()?;
    let detail = product_read(&auth.state.db, &grant, id).await?;
    render(&auth, &Typed::of(&detail), Some(id), None).await
}

async fn product_new_form(auth: Authed<perm::ProductWrite, Form>) -> PageAnswer {
    let mut typed = Typed::sent(&auth.input.fields);
    if let Err(error) = keep_pictures(&auth, &auth.input, &mut typed).await {
        return refuse(&auth, &typed, None, error).await;
    }
    if auth.input.fields.text("intent") == "rows" {
        return render(&auth, &typed, None, None).await;
    }
    let mut errors = Vec::new();
    let input = typed.input(&mut errors);
    let shop: Option<ShopId> = match shop_choices(&auth).await?.as_slice() {
        [only] => only.value.parse().ok(),
        _ => typed.text("shop_id").parse().ok(),
    };
    if shop.is_none() {
        errors.push(FieldError::required("shop_id"));
    }
    let (Some(shop), true) = (shop, errors.is_empty()) else {
        errors.extend(crate::app::products::draft_errors(&input));
        return refuse(&auth, &typed, None, errors.into()).await;
    };
    match product_create(&auth.state.db, &auth.grant, shop, &input).await {
        Ok(made) => Ok(saved(&auth.call, made.product.id, "goods.created_done")),
        Err(error) => refuse(&auth, &typed, None, error).await,
    }
}

async fn product_edit_form(auth: Authed<perm::ProductWrite, (Path<ProductId>, Form)>) -> PageAnswer {
    let (Path(id), form) = &auth.input;
    let mut typed = Typed::sent(&form.fields);
    if let Err(error) = keep_pictures(&auth, form, &mut typed).await {
        return refuse(&auth, &typed, Some(*id), error).await;
    }
    if form.fields.text("intent") == "rows" {
        return render(&auth, &typed, Some(*id), None).await;
    }
    let mut errors = Vec::new();
    let input = typed.input(&mut errors);
    if !errors.is_empty() {
        errors.extend(crate::app::products::draft_errors(&input));
        return refuse(&auth, &typed, Some(*id), errors.into()).await;
    }
    match product_update(&auth.state.db, &auth.grant, *id, typed.version, &input).await {
        Ok(_) => Ok(saved(&auth.call, *id, "goods.saved")),
        Err(error) => refuse(&auth, &typed, Some(*id), error).await,
    }
}

fn saved(call: &crate::http::extract::Call, id: ProductId, text: &'static str) -> HttpResponse {
    call.redirect_with(&Flash::success(text), &format!("/console/merchant/products/{id}"))
}

/// The form again with what is wrong; what is not the person's to mend stays an error.
async fn refuse<T>(
    auth: &Authed<perm::ProductWrite, T>,
    typed: &Typed,
    product: Option<ProductId>,
    error: ApiError,
) -> PageAnswer {
    if error.code() == ErrorCode::NotFound || error.code().status() >= 500 {
        return Err(error);
    }
    render(auth, typed, product, Some(&error)).await
}

/// Stores the pictures that came with the form, so that they are not lost when it is refused.
async fn keep_pictures<T>(
    auth: &Authed<perm::ProductWrite, T>,
    form: &Form,
    typed: &mut Typed,
) -> Answer<()> {
    let caller: &Caller = &auth.caller;
    for file in form.files.iter().filter(|file| file.field == "picture_file" && !file.bytes.is_empty()) {
        if typed.pictures.len() >= MAX_PICTURES {
            return Err(FieldError::new("pictures", "too_many", "at most 9 pictures", "图片最多9张").into());
        }
        let grant = caller.grant::<perm::MediaWrite>()?;
        let stored =
            media::store(&auth.state, &grant, Purpose::Picture, &file.file_name, file.bytes.clone()).await?;
        typed.pictures.push(stored.id);
    }
    Ok(())
}
