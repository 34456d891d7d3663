//! The table of SKUs in the product form: rows follow from the specifications, keep what was typed into
//! them, and carry texts, not numbers, so that a refused form shows what the person wrote.

use crate::app::products::SkuDetail;
use crate::app::products::input::{SkuInput, StockInput};
use crate::http::extract::Fields;
use crate::http::extract::form::parse_yuan;
use crate::pages::lang::Lang;
use qianpu_domain::catalog::{MAX_SKUS, MAX_SPECIFICATIONS, MAX_VALUES, Specification};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::SkuId;
use qianpu_domain::money::Fen;
use serde::Serialize;

/// A specification as typed: one value per line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SpecText {
    pub name: String,
    pub values: String,
}

impl SpecText {
    pub(super) fn list(&self) -> Vec<String> {
        let lines = self.values.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.take(MAX_VALUES + 1).map(str::to_owned).collect()
    }
}

/// A row as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RowText {
    /// The public id of an existing SKU; empty for a new one.
    pub id: String,
    pub values: Vec<String>,
    pub price: String,
    pub market_price: String,
    pub stock: String,
    /// The count that the form showed: what was typed counts as a difference to it, so that orders that
    /// came meanwhile are not undone.
    pub stock_was: String,
    pub code: String,
    pub barcode: String,
    pub weight_g: String,
}

impl RowText {
    pub(super) fn of(detail: &SkuDetail) -> Self {
        let sku = &detail.sku;
        let stock = detail.level.on_hand.to_string();
        Self {
            id: sku.id.to_string(),
            values: sku.values.clone(),
            price: yuan_text(sku.price),
            market_price: sku.market_price.map(yuan_text).unwrap_or_default(),
            stock: stock.clone(),
            stock_was: stock,
            code: sku.code.clone().unwrap_or_default(),
            barcode: sku.barcode.clone().unwrap_or_default(),
            weight_g: sku.weight_g.map(|grams| grams.to_string()).unwrap_or_default(),
        }
    }

    fn sent(fields: &Fields, index: usize) -> Option<Self> {
        let name = |field: &str| format!("skus[{index}].{field}");
        fields.0.iter().find(|(known, _)| *known == name("price"))?;
        let text = |field: &str| fields.text(&name(field)).to_owned();
        Some(Self {
            id: text("id"),
            values: text("values").lines().map(|line| line.trim().to_owned()).collect(),
            price: text("price"),
            market_price: text("market_price"),
            stock: text("stock"),
            stock_was: text("stock_was"),
            code: text("code"),
            barcode: text("barcode"),
            weight_g: text("weight_g"),
        })
    }

    fn input(&self, index: usize, errors: &mut Vec<FieldError>) -> SkuInput {
        let mut wrong = |field: &str, code: &'static str, en: &str, zh: &str| {
            errors.push(FieldError::new(format!("skus[{index}].{field}"), code, en, zh));
        };
        let mut yuan = |field: &str, text: &str| match parse_yuan(text) {
            _ if text.is_empty() => None,
            None => {
                wrong(field, "money", "an amount in yuan such as 12.80", "请填写金额（元），例如 12.80");
                // Not zero: the range check must not complain as well.
                Some(Fen::new(1))
            }
            fen => fen,
        };
        let price = yuan("price", &self.price);
        let market_price = yuan("market_price", &self.market_price);
        if price.is_none() {
            wrong("price", "required", "the price is needed", "请填写价格");
        }
        let mut count = |field: &str, text: &str| match text.parse::<i64>() {
            _ if text.is_empty() => None,
            Ok(number) => Some(number),
            Err(_) => {
                wrong(field, "number", "expected a whole number", "请填写整数");
                None
            }
        };
        let stock = count("stock", &self.stock);
        let weight_g = count("weight_g", &self.weight_g);
        let known = self.id.parse::<SkuId>().ok();
        let was = self.stock_was.parse::<i64>().ok();
        let filled = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        SkuInput {
            id: known,
            values: self.values.clone(),
            price: price.unwrap_or(Fen::new(1)),
            market_price,
            code: filled(&self.code),
            barcode: filled(&self.barcode),
            weight_g,
            stock: match (known, stock, was) {
                (None, Some(stock), _) => StockInput::Open(stock),
                (Some(_), Some(stock), Some(was)) if stock != was => {
                    StockInput::Change(stock.saturating_sub(was))
                }
                _ => StockInput::Keep,
            },
        }
    }
}

/// An amount as it is typed: `1234.50`.
pub(in crate::http::console) fn yuan_text(fen: Fen) -> String {
    format!("{}.{:02}", fen.get() / 100, fen.get() % 100)
}

/// Specifications and rows of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SkuTable {
    pub specs: Vec<SpecText>,
    pub rows: Vec<RowText>,
}

impl SkuTable {
    /// As it was sent.
    pub(super) fn sent(fields: &Fields) -> Self {
        let spec = |index: usize| SpecText {
            name: fields.text(&format!("specifications[{index}].name")).to_owned(),
            values: fields.text(&format!("specifications[{index}].values")).to_owned(),
        };
        let specs = (0..MAX_SPECIFICATIONS).map(spec);
        Self {
            specs: specs.filter(|spec| !spec.name.is_empty() || !spec.values.trim().is_empty()).collect(),
            rows: (0..MAX_SKUS).map_while(|index| RowText::sent(fields, index)).collect(),
        }
    }

    /// One row per combination of values; what was typed for a combination stays with it. A combination
    /// that is new takes the prices of the single row there was before.
    pub(super) fn follow_specifications(&mut self) {
        let lists: Vec<Vec<String>> = self.specs.iter().map(SpecText::list).collect();
        let count = lists.iter().try_fold(1_usize, |count, list| count.checked_mul(list.len()));
        // Too many or none: the checks say so, and the rows stay.
        let Some(1..=MAX_SKUS) = count else { return };
        let mut combinations: Vec<Vec<String>> = vec![Vec::new()];
        for list in &lists {
            combinations = combinations
                .iter()
                .flat_map(|begun| {
                    list.iter().map(move |value| [begun.as_slice(), std::slice::from_ref(value)].concat())
                })
                .collect();
        }
        let single = self.rows.iter().find(|row| row.values.is_empty()).cloned().unwrap_or_default();
        let old = std::mem::take(&mut self.rows);
        self.rows = combinations
            .into_iter()
            .map(|values| match old.iter().find(|row| row.values == values) {
                Some(row) => row.clone(),
                None => RowText {
                    values,
                    price: single.price.clone(),
                    market_price: single.market_price.clone(),
                    weight_g: single.weight_g.clone(),
                    ..RowText::default()
                },
            })
            .collect();
    }

    /// As a command's parts.
    pub(super) fn input(&self, errors: &mut Vec<FieldError>) -> (Vec<Specification>, Vec<SkuInput>) {
        let specifications =
            self.specs.iter().map(|spec| Specification { name: spec.name.clone(), values: spec.list() });
        let skus = self.rows.iter().enumerate().map(|(index, row)| row.input(index, errors));
        (specifications.collect(), skus.collect())
    }

    /// As the template shows it.
    pub(super) fn view(&self, errors: &[FieldError], lang: Lang) -> (Vec<SpecView>, Vec<RowView>) {
        let specs = (0..MAX_SPECIFICATIONS).map(|index| {
            let spec = self.specs.get(index).cloned().unwrap_or_default();
            let path = format!("specifications[{index}]");
            let own = |error: &&FieldError| error.path.starts_with(&path);
            SpecView {
                used: self.specs.len() > index,
                index,
                number: index + 1,
                name: spec.name,
                values: spec.values,
                error: told(errors.iter().filter(own), lang),
            }
        });
        let rows = self.rows.iter().enumerate().map(|(index, row)| {
            let path = format!("skus[{index}].");
            let own = |error: &&FieldError| error.path.starts_with(&path);
            RowView {
                index,
                id: row.id.clone(),
                key: row.values.join("\n"),
                label: row.values.join(" / "),
                price: row.price.clone(),
                market_price: row.market_price.clone(),
                stock: row.stock.clone(),
                stock_was: row.stock_was.clone(),
                code: row.code.clone(),
                barcode: row.barcode.clone(),
                weight_g: row.weight_g.clone(),
                error: told(errors.iter().filter(own), lang),
            }
        });
        (specs.collect(), rows.collect())
    }
}

/// An empty row for the script to copy.
pub(super) fn blank_row() -> RowView {
    RowView {
        index: 0,
        id: String::new(),
        key: String::new(),
        label: String::new(),
        price: String::new(),
        market_price: String::new(),
        stock: String::new(),
        stock_was: String::new(),
        code: String::new(),
        barcode: String::new(),
        weight_g: String::new(),
        error: String::new(),
    }
}

fn told<'a>(errors: impl Iterator<Item = &'a FieldError>, lang: Lang) -> String {
    let texts: Vec<&str> = errors.map(|error| lang.pick(&error.message_zh, &error.message_en)).collect();
    texts.join(lang.pick("；", "; "))
}

#[derive(Serialize)]
pub(super) struct SpecView {
    index: usize,
    /// As people count.
    number: usize,
    used: bool,
    name: String,
    values: String,
    error: String,
}

#[derive(Serialize)]
pub(super) struct RowView {
    index: usize,
    id: String,
    key: String,
    label: String,
    price: String,
    market_price: String,
    stock: String,
    stock_was: String,
    code: String,
    barcode: String,
    weight_g: String,
    error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(specs: &[(&str, &str)], rows: &[(&str, &str)]) -> SkuTable {
        SkuTable {
            specs: specs
                .iter()
                .map(|(name, values)| SpecText { name: (*name).into(), values: values.replace(',', "\n") })
                .collect(),
            rows: rows
                .iter()
                .map(|(values, price)| RowText {
                    values: values.split('/').filter(|v| !v.is_empty()).map(str::to_owned).collect(),
                    price: (*price).into(),
                    ..RowText::default()
                })
                .collect(),
        }
    }

    fn check(specs: &[(&str, &str)], rows: &[(&str, &str)], expected: &str) {
        let mut table = table(specs, rows);
        table.follow_specifications();
        let got: Vec<_> =
            table.rows.iter().map(|row| format!("{}={}", row.values.join("/"), row.price)).collect();
        assert_eq!(got.join(" "), expected);
    }

    #[test]
    fn rows_follow_the_specifications() {
        check(&[], &[("", "5")], "=5");
        check(&[], &[], "=");
        check(&[("颜色", "红,蓝")], &[("", "5")], "红=5 蓝=5");
        check(&[("颜色", "红,蓝")], &[("红", "5")], "红=5 蓝=");
        check(
            &[("颜色", "红,蓝"), ("尺码", "S,M")],
            &[("红/M", "7"), ("红/X", "9")],
            "红/S= 红/M=7 蓝/S= 蓝/M=",
        );
        check(&[("颜色", "")], &[("红", "5")], "红=5");
    }

    #[test]
    fn stock_counts_as_a_difference_to_what_was_shown() {
        let sku = "sku_01981b2c000070008000000000000001";
        for (id, stock, was, expected) in [
            ("", "7", "", StockInput::Open(7)),
            ("", "", "", StockInput::Keep),
            (sku, "7", "10", StockInput::Change(-3)),
            (sku, "10", "10", StockInput::Keep),
            (sku, "", "10", StockInput::Keep),
        ] {
            let row = RowText {
                id: id.into(),
                price: "1".into(),
                stock: stock.into(),
                stock_was: was.into(),
                ..RowText::default()
            };
            let mut errors = Vec::new();
            assert_eq!(row.input(0, &mut errors).stock, expected);
            assert!(errors.is_empty());
        }
        let mut errors = Vec::new();
        RowText { price: "1e3".into(), stock: "１２".into(), ..RowText::default() }.input(3, &mut errors);
        let paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
        assert_eq!(paths, ["skus[3].price", "skus[3].stock"]);
    }
}
