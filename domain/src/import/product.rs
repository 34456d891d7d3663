//! The import of products: one row per SKU, rows of one product beside each other under one product code.
//!
//! [`ProductRows`] groups rows while they stream by, so memory stays bounded by one product and the codes
//! seen. A product is made of all its rows or of none.

use super::{Column, Header, Need, Row};
use crate::catalog::{MAX_SKUS, ProductDraft, SkuDraft, Specification};
use crate::error::FieldError;
use crate::money::Fen;
use std::collections::BTreeSet;

/// The columns of the file.
pub const COLUMNS: &[Column] = &[
    Column {
        key: "product_code",
        names: &["商品编码", "商品编号", "货号", "product", "spu", "spu code"],
        need: Need::Required,
    },
    Column { key: "title", names: &["标题", "商品标题", "商品名称", "name"], need: Need::Required },
    Column { key: "category", names: &["类目", "分类"], need: Need::Optional },
    Column { key: "description", names: &["描述", "商品描述", "详情"], need: Need::Optional },
    Column { key: "specs", names: &["规格", "规格值", "specifications"], need: Need::Optional },
    Column {
        key: "price",
        names: &["价格", "价格（元）", "售价", "售价（元）", "price (yuan)"],
        need: Need::Required,
    },
    Column { key: "stock", names: &["库存", "库存数量", "quantity"], need: Need::Required },
    Column { key: "sku_code", names: &["SKU编码", "规格编码", "sku"], need: Need::Optional },
];

/// A row that could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductRow {
    /// Which rows belong together.
    pub product_code: String,
    /// Needed in the first row of a product; later rows may leave it empty or repeat it.
    pub title: Option<String>,
    /// Name or path of the category, as typed.
    pub category: Option<String>,
    /// Text.
    pub description: Option<String>,
    /// Specification names and values, in order: `颜色:红;尺码:M`.
    pub specs: Vec<(String, String)>,
    /// Price.
    pub price: Fen,
    /// Pieces.
    pub stock: i64,
    /// The merchant's own code.
    pub sku_code: Option<String>,
}

/// Reads a row.
pub fn read_row<S: AsRef<str>>(header: &Header, cells: &[S]) -> Result<ProductRow, Vec<FieldError>> {
    let mut row = Row::new(header, cells);
    let product_code = row.need_text("product_code").map(str::to_owned);
    if product_code.as_ref().is_some_and(|code| code.chars().count() > crate::catalog::MAX_CODE) {
        row.error("product_code", "too_long", "expected at most 20 characters", "最多20个字符");
    }
    let title = row.text("title").map(str::to_owned);
    let category = row.text("category").map(str::to_owned);
    let description = row.text("description").map(str::to_owned);
    let specs = match row.text("specs").map(read_specs) {
        None => Vec::new(),
        Some(Some(specs)) => specs,
        Some(None) => {
            row.error(
                "specs",
                "specs",
                "expected specifications such as 颜色:红;尺码:M",
                "规格需形如 颜色:红;尺码:M",
            );
            Vec::new()
        }
    };
    let price = row.need_yuan("price");
    let stock = row.need_count("stock");
    let sku_code = row.text("sku_code").map(str::to_owned);
    let value = product_code.zip(price).zip(stock).map(|((product_code, price), stock)| ProductRow {
        product_code,
        title,
        category,
        description,
        specs,
        price,
        stock,
        sku_code,
    });
    row.finish(value)
}

fn read_specs(text: &str) -> Option<Vec<(String, String)>> {
    text.split([';', '；'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once([':', '：'])?;
            let (name, value) = (name.trim(), value.trim());
            (!name.is_empty() && !value.is_empty()).then(|| (name.to_owned(), value.to_owned()))
        })
        .collect()
}

/// A product made of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedProduct {
    /// Numbers of its rows in the file.
    pub rows: Vec<u64>,
    /// The code that rows share.
    pub product_code: String,
    /// The category as typed.
    pub category: Option<String>,
    /// The checked draft, without category and pictures.
    pub draft: ProductDraft,
}

/// What came of rows: a product, or faults per row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grouped {
    /// A product to make.
    Product(Box<ImportedProduct>),
    /// Rows that make no product, each with why.
    Refused(Vec<(u64, Vec<FieldError>)>),
}

/// Groups rows of one product while they stream by.
#[derive(Debug, Default)]
pub struct ProductRows {
    open: Option<OpenProduct>,
    seen: BTreeSet<String>,
}

#[derive(Debug)]
struct OpenProduct {
    code: String,
    good: Vec<(u64, ProductRow)>,
    bad: Vec<(u64, Vec<FieldError>)>,
}

impl ProductRows {
    /// Takes a row as read, with the code it names if that could be read. Answers with what is finished.
    pub fn push(
        &mut self,
        number: u64,
        code: Option<&str>,
        row: Result<ProductRow, Vec<FieldError>>,
    ) -> Vec<Grouped> {
        let mut done = Vec::new();
        let same = self.open.as_ref().is_some_and(|open| Some(open.code.as_str()) == code);
        if !same {
            done.extend(self.finish());
        }
        let Some(code) = code else {
            let errors = row.err().unwrap_or_else(|| vec![FieldError::required("product_code")]);
            done.push(Grouped::Refused(vec![(number, errors)]));
            return done;
        };
        if !same {
            if !self.seen.insert(code.to_owned()) {
                done.push(Grouped::Refused(vec![(
                    number,
                    vec![FieldError::new(
                        "product_code",
                        "not_adjacent",
                        "rows of one product must stand beside each other",
                        "同一商品的行必须相邻",
                    )],
                )]));
                return done;
            }
            self.open = Some(OpenProduct { code: code.to_owned(), good: Vec::new(), bad: Vec::new() });
        }
        if let Some(open) = self.open.as_mut() {
            match row {
                Ok(_) if open.good.len() >= MAX_SKUS => {
                    // Told at once, and kept as one mark so that memory stays bounded.
                    let error = FieldError::new(
                        "product_code",
                        "too_many",
                        "expected at most 200 SKUs",
                        "SKU最多200个",
                    );
                    if open.bad.is_empty() {
                        open.bad.push((number, vec![error]));
                    } else {
                        done.push(Grouped::Refused(vec![(number, vec![error])]));
                    }
                }
                Ok(row) => open.good.push((number, row)),
                Err(errors) if open.bad.len() >= MAX_SKUS => {
                    done.push(Grouped::Refused(vec![(number, errors)]))
                }
                Err(errors) => open.bad.push((number, errors)),
            }
        }
        done
    }
    /// What is left after the last row.
    pub fn finish(&mut self) -> Option<Grouped> {
        self.open.take().map(OpenProduct::close)
    }
}

impl OpenProduct {
    fn close(self) -> Grouped {
        if !self.bad.is_empty() {
            return self.refuse(Vec::new());
        }
        let Some((_, first)) = self.good.first() else { return self.refuse(Vec::new()) };
        let mut errors = Vec::new();
        if first.title.is_none() {
            errors.push((0, FieldError::required("title")));
        }
        let names: Vec<&str> = first.specs.iter().map(|(name, _)| name.as_str()).collect();
        let mut specifications: Vec<Specification> =
            names.iter().map(|name| Specification { name: (*name).to_owned(), values: Vec::new() }).collect();
        let mut skus = Vec::with_capacity(self.good.len());
        for (index, (_, row)) in self.good.iter().enumerate() {
            if row.title.is_some() && row.title != first.title {
                errors.push((
                    index,
                    FieldError::new(
                        "title",
                        "differs",
                        "the title differs from the first row",
                        "标题与首行不一致",
                    ),
                ));
            }
            if row.specs.iter().map(|(name, _)| name.as_str()).ne(names.iter().copied()) {
                errors.push((
                    index,
                    FieldError::new(
                        "specs",
                        "differs",
                        "the specifications differ from the first row",
                        "规格名与首行不一致",
                    ),
                ));
                continue;
            }
            for (specification, (_, value)) in specifications.iter_mut().zip(&row.specs) {
                if !specification.values.contains(value) {
                    specification.values.push(value.clone());
                }
            }
            skus.push(SkuDraft {
                values: row.specs.iter().map(|(_, value)| value.clone()).collect(),
                price: row.price,
                stock: row.stock,
                code: row.sku_code.clone(),
            });
        }
        if !errors.is_empty() {
            return self.refuse(errors);
        }
        let draft = ProductDraft {
            title: first.title.clone().unwrap_or_default(),
            description: first.description.clone().unwrap_or_default(),
            pictures: Vec::new(),
            category: None,
            code: Some(self.code.clone()),
            specifications,
            skus,
        };
        let faults: Vec<_> = draft.errors().into_iter().map(column_of).collect();
        if !faults.is_empty() {
            return self.refuse(faults);
        }
        Grouped::Product(Box::new(ImportedProduct {
            rows: self.good.iter().map(|(number, _)| *number).collect(),
            category: first.category.clone(),
            product_code: self.code,
            draft,
        }))
    }

    /// Faults by index among the good rows; rows without a fault of their own say why they are left out.
    fn refuse(self, faults: Vec<(usize, FieldError)>) -> Grouped {
        let mut rows = self.bad;
        for (index, (number, _)) in self.good.iter().enumerate() {
            let own: Vec<_> =
                faults.iter().filter(|(row, _)| *row == index).map(|(_, error)| error.clone()).collect();
            let errors = if own.is_empty() {
                vec![FieldError::new(
                    "product_code",
                    "other_row",
                    "another row of this product has an error",
                    "该商品的其他行有错误",
                )]
            } else {
                own
            };
            rows.push((*number, errors));
        }
        rows.sort_by_key(|(number, _)| *number);
        Grouped::Refused(rows)
    }
}

/// A fault of the draft as a fault of a row: `skus[3].price` is column `price` of the fourth row.
fn column_of(error: FieldError) -> (usize, FieldError) {
    let place = error.path.strip_prefix("skus[").and_then(|rest| rest.split_once("]."));
    let (row, column) = match place {
        Some((index, "values")) => (index.parse().unwrap_or(0), "specs"),
        Some((index, "code")) => (index.parse().unwrap_or(0), "sku_code"),
        Some((index, column)) => (index.parse().unwrap_or(0), column),
        None if error.path == "skus" || error.path.starts_with("specifications") => (0, "specs"),
        None if error.path == "code" => (0, "product_code"),
        None => (0, error.path.as_str()),
    };
    let path = column.to_owned();
    (row, FieldError { path, ..error })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows as lines of `code|title|specs|price|stock`.
    fn check(lines: &str, expected: &[&str]) {
        let header = Header::read(COLUMNS, &["商品编码", "标题", "规格", "价格（元）", "库存"]).unwrap();
        let mut rows = ProductRows::default();
        let mut grouped = Vec::new();
        for (index, line) in lines.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
            let cells: Vec<_> = line.split('|').collect();
            let code = Some(cells[0]).filter(|code| !code.is_empty());
            grouped.extend(rows.push(index as u64 + 2, code, read_row(&header, &cells)));
        }
        grouped.extend(rows.finish());
        let got: Vec<_> = grouped
            .into_iter()
            .map(|group| match group {
                Grouped::Product(product) => {
                    format!("{} {:?} {} SKUs", product.product_code, product.rows, product.draft.skus.len())
                }
                Grouped::Refused(rows) => rows
                    .iter()
                    .map(|(number, errors)| {
                        let words: Vec<_> = errors.iter().map(|e| format!("{} {}", e.path, e.code)).collect();
                        format!("{number}: {}", words.join(", "))
                    })
                    .collect::<Vec<_>>()
                    .join("; "),
            })
            .collect();
        assert_eq!(got, expected, "{lines}");
    }

    #[test]
    fn products() {
        check("T1|高山乌龙茶||12.80|10", &["T1 [2] 1 SKUs"]);
        check(
            "T1|棉 T 恤|颜色:红;尺码:M|12.80|10
             T1||颜色：红；尺码：L|12.80|10
             T2|高山乌龙茶||9|0",
            &["T1 [2, 3] 2 SKUs", "T2 [4] 1 SKUs"],
        );
        check("T1|||12.80|10", &["2: title required"]);
        check("|高山乌龙茶||12.80|10", &["2: product_code required"]);
        check("T1|高山乌龙茶||abc|-3\nT2|高山乌龙茶||1|1", &["2: price amount", "T2 [3] 1 SKUs"]);
        check("T1|高山乌龙茶||1|-3", &["2: stock range"]);
        check("T1|=1||1|1", &["2: title formula"]);
        check(
            "T1|棉 T 恤|颜色:红|1|1
             T1|棉 T 恤|颜色:蓝|0|1
             T1|长裤 T 恤|颜色:绿|1|1",
            &["2: product_code other_row; 3: product_code other_row; 4: title differs"],
        );
        check(
            "T1|棉 T 恤|颜色:红|1|1
             T1|棉 T 恤|颜色:蓝|0|1",
            &["2: product_code other_row; 3: price range"],
        );
        check("T1|棉 T 恤|颜色:红|1|1\nT1||尺码:M|1|1", &["2: product_code other_row; 3: specs differs"]);
        check("T1|棉 T 恤|颜色:红|1|1\nT1||颜色:红|1|1", &["2: product_code other_row; 3: specs duplicate"]);
        check("T1|棉 T 恤|红色|1|1", &["2: specs specs"]);
        check(
            "T1|高山乌龙茶||1|1\nT2|高山乌龙茶||1|1\nT1|高山乌龙茶||1|1",
            &["T1 [2] 1 SKUs", "T2 [3] 1 SKUs", "4: product_code not_adjacent"],
        );
        // 2 × 2 values but three rows.
        check(
            "T1|棉 T 恤|颜色:红;尺码:M|1|1\nT1||颜色:红;尺码:L|1|1\nT1||颜色:蓝;尺码:M|1|1",
            &["2: specs incomplete; 3: product_code other_row; 4: product_code other_row"],
        );
    }

    #[test]
    fn a_product_of_too_many_rows_stays_bounded() {
        let header = Header::read(COLUMNS, &["code", "spu", "title", "price", "stock"]).unwrap();
        let mut rows = ProductRows::default();
        let mut told = 0;
        for number in 0..1000_u64 {
            let cells = ["", "T1", "棉 T 恤", "1", "1"];
            told += rows.push(number, Some("T1"), read_row(&header, &cells)).len();
            let open = rows.open.as_ref().unwrap();
            assert!(open.good.len() <= MAX_SKUS && open.bad.len() <= MAX_SKUS);
        }
        let Some(Grouped::Refused(rest)) = rows.finish() else { panic!("expected a refusal") };
        assert_eq!(told + rest.len(), 1000);
    }
}
