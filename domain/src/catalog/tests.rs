use super::*;
use crate::ids::MediaId;
use crate::money::Fen;
use uuid::Uuid;

/// `颜色=红,蓝;尺码=S,M` and `红/S:100:5;…` (values:price:stock[:code]).
fn draft(title: &str, specifications: &str, skus: &str) -> ProductDraft {
    let list = |text: &str, by: char| -> Vec<String> {
        if text.is_empty() { vec![] } else { text.split(by).map(str::to_owned).collect() }
    };
    ProductDraft {
        title: title.into(),
        description: String::new(),
        pictures: vec![],
        category: None,
        code: None,
        specifications: list(specifications, ';')
            .into_iter()
            .map(|text| {
                let (name, values) = text.split_once('=').unwrap();
                Specification { name: name.into(), values: list(values, ',') }
            })
            .collect(),
        skus: list(skus, ';')
            .into_iter()
            .map(|text| {
                let parts: Vec<_> = text.split(':').collect();
                SkuDraft {
                    values: list(parts[0], '/'),
                    price: Fen::new(parts[1].parse().unwrap()),
                    stock: parts[2].parse().unwrap(),
                    code: parts.get(3).map(|code| (*code).to_owned()),
                }
            })
            .collect(),
    }
}

fn check(title: &str, specifications: &str, skus: &str, expected: &str) {
    let got: Vec<_> = draft(title, specifications, skus)
        .errors()
        .into_iter()
        .map(|error| format!("{} {}", error.path, error.code))
        .collect();
    assert_eq!(got.join(", "), expected, "{title} | {specifications} | {skus}");
}

#[test]
fn drafts() {
    check("高山乌龙茶", "", ":12800:10", "");
    check("Oolong", "", ":1:0:TEA-1", "");
    check("茶叶", "", ":1:0", "title length");
    check(&"茶".repeat(61), "", ":1:0", "title length");
    check("12345!", "", ":1:0", "title characters");
    check("高山乌龙茶", "", "", "skus incomplete");
    check("高山乌龙茶", "", ":1:0;:1:0", "skus[1].values duplicate");
    check("高山乌龙茶", "", ":0:0", "skus[0].price range");
    check("高山乌龙茶", "", ":-5:-1", "skus[0].price range, skus[0].stock range");
    check("高山乌龙茶", "", ":100000000000001:10000001", "skus[0].price range, skus[0].stock range");
    check("高山乌龙茶", "", ":1:0:123456789012345678901", "skus[0].code length");
    check("T 恤衫", "颜色=红,蓝;尺码=S,M", "红/S:1:0;红/M:1:0;蓝/S:1:0;蓝/M:1:0", "");
    check("T 恤衫", "颜色=红,蓝;尺码=S,M", "红/S:1:0;红/M:1:0;蓝/S:1:0", "skus incomplete");
    check("T 恤衫", "颜色=红,蓝", "红:1:0;红:1:0;蓝:1:0", "skus[1].values duplicate");
    check("T 恤衫", "颜色=红,蓝", "红:1:0;绿:1:0;蓝:1:0", "skus[1].values unknown_value");
    check("T 恤衫", "颜色=红,蓝", "红:1:0:A;蓝:1:0:A", "skus[1].code duplicate");
    check("T 恤衫", "颜色=红,红", "红:1:0", "specifications[0].values[1] duplicate, skus incomplete");
    check("T 恤衫", "颜色=红;颜色=蓝", "红/蓝:1:0", "specifications[1].name duplicate");
    check("T 恤衫", "颜色=", "", "specifications[0].values required");
    check("T 恤衫", "a=1;b=1;c=1;d=1", "1/1/1/1:1:0", "specifications too_many");
    let many = (0..15).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    check("T 恤衫", &format!("a={many};b={many}"), "", "skus too_many");
}

#[test]
fn pictures() {
    let mut draft = draft("高山乌龙茶", "", ":1:0");
    draft.pictures = (0..10).map(|n| MediaId(Uuid::from_u128(n))).collect();
    assert_eq!(draft.errors().len(), 1);
    draft.pictures.truncate(9);
    assert_eq!(draft.check(), Ok(()));
    draft.pictures[8] = draft.pictures[0];
    assert_eq!(draft.errors()[0].code, "duplicate");
}

#[test]
fn moves() {
    use ProductCommand::*;
    use ProductState::*;
    let violation = WithdrawnReason::Violation;
    for (state, command, expected) in [
        (Draft, PutOnSale(ProductCheck::None), Some((OnSale, None))),
        (Draft, PutOnSale(ProductCheck::Required), Some((Checking, None))),
        (Checking, PassCheck, Some((OnSale, None))),
        (Checking, FailCheck, Some((Draft, None))),
        (OnSale, TakeOffSale, Some((OffSale, None))),
        (OffSale, PutOnSale(ProductCheck::None), Some((OnSale, None))),
        (OnSale, Withdraw(violation), Some((Withdrawn, Some(violation)))),
        (Withdrawn, PutOnSale(ProductCheck::None), None),
        (Withdrawn, Reinstate, Some((OffSale, None))),
        (OnSale, Delete, None),
        (OffSale, Delete, Some((Deleted, None))),
        (Deleted, PutOnSale(ProductCheck::None), None),
        (Deleted, Withdraw(violation), None),
    ] {
        assert_eq!(decide(state, command).ok(), expected, "{state} {command:?}");
    }
}
