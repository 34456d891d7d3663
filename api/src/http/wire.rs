//! Types that many bodies share: ids, money, times, pages of a list and their cursor.
//!
//! Domain types are not serialisable on purpose; these wrappers are how they cross the border.

use crate::error::ApiError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::money::{Fen, MAX_FEN};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::page;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

/// An id in its public form, `shp_01981b2c…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id<T>(pub T);

impl<T: Display> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}
impl<T> PartialSchema for Id<T> {
    fn schema() -> RefOr<Schema> {
        let name = std::any::type_name::<T>().rsplit("::").next().unwrap_or("id").to_owned();
        let builder = ObjectBuilder::new().schema_type(Type::String).description(Some(name));
        RefOr::T(Schema::Object(builder.build()))
    }
}
impl<T> ToSchema for Id<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(std::any::type_name::<T>().rsplit("::").next().unwrap_or("Id"))
    }
}

/// A moment as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}
impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        RefOr::T(Schema::Object(ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build()))
    }
}
impl ToSchema for Time {}

/// An amount of money: integer minor units and a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// In fen.
    #[schema(example = 12800)]
    pub amount: i64,
    #[schema(example = "CNY")]
    pub currency: String,
}

impl From<Fen> for Money {
    fn from(fen: Fen) -> Self {
        Self { amount: fen.get(), currency: "CNY".to_owned() }
    }
}

impl Money {
    /// The amount, when it is in our currency and not negative; `field` names it in the error.
    pub fn fen(&self, field: &str) -> Result<Fen, ApiError> {
        if self.currency != "CNY" {
            let path = format!("{field}.currency");
            return Err(ApiError::field(FieldError::new(path, "currency", "only CNY", "仅支持 CNY")));
        }
        if !(0..=MAX_FEN).contains(&self.amount) {
            let error = FieldError::new(
                format!("{field}.amount"),
                "out_of_range",
                "between 0 and 10^14 fen",
                "金额应在 0 到 10^14 分之间",
            );
            return Err(ApiError::field(error));
        }
        Ok(Fen::new(self.amount))
    }
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

// By hand: the derived name would be `Page` for every kind of item, and the document would show the last one only.
impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let cursor = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Pass it as `cursor` for the next page; null on the last."));
        let builder = ObjectBuilder::new()
            .description(Some("One page of a list."))
            .property("items", ArrayBuilder::new().items(Ref::from_schema_name(T::name())))
            .required("items")
            .property("next_cursor", cursor)
            .required("next_cursor");
        RefOr::T(Schema::Object(builder.build()))
    }
}
impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Page", T::name()))
    }
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        schemas.push((T::name().into_owned(), T::schema()));
    }
}

impl<T> Page<T> {
    /// A page of stored rows as it is shown.
    pub fn of<R>(page: page::Page<R>, view: impl FnMut(R) -> T) -> Self {
        let next_cursor = page.next.map(|position| cursor_text(&position));
        Self { items: page.items.into_iter().map(view).collect(), next_cursor }
    }
}

pub const PAGE_LIMIT_DEFAULT: u32 = 20;

/// Reads the two parameters that every list takes.
pub fn page_request(limit: Option<u32>, cursor: Option<&str>) -> Result<page::PageRequest, ApiError> {
    let limit = u64::from(limit.unwrap_or(PAGE_LIMIT_DEFAULT));
    if !(1..=page::MAX_LIMIT).contains(&limit) {
        let error = FieldError::new(
            "limit",
            "out_of_range",
            format!("between 1 and {}", page::MAX_LIMIT),
            format!("应在 1 到 {} 之间", page::MAX_LIMIT),
        );
        return Err(ApiError::field(error));
    }
    let cursor = match cursor.filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(read_cursor(text).ok_or_else(|| ApiError::new(ErrorCode::InvalidCursor))?),
    };
    Ok(page::PageRequest { limit, cursor })
}

fn read_cursor(text: &str) -> Option<page::Cursor> {
    let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (at, id) = bytes.split_first_chunk::<8>()?;
    let id = Uuid::from_slice(id).ok()?;
    Some(page::Cursor { at: Timestamp::from_micros(i64::from_be_bytes(*at)), id })
}

/// A position in its opaque form.
pub fn cursor_text(position: &page::Cursor) -> String {
    let bytes = [position.at.micros().to_be_bytes().as_slice(), position.id.as_bytes()].concat();
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_foreign_ones_are_refused() {
        let position = page::Cursor { at: Timestamp::from_micros(-5), id: Uuid::from_u128(7) };
        let read = page_request(None, Some(&cursor_text(&position))).unwrap();
        assert_eq!((read.cursor, read.limit), (Some(position), 20));
        for cursor in ["!", "AAAA", "bnVsbA"] {
            let error = page_request(None, Some(cursor)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidCursor, "{cursor}");
        }
        assert!(page_request(Some(0), None).is_err());
        assert!(page_request(Some(101), None).is_err());
    }
}
