//! Checks of what a product and its SKUs say besides what [`crate::catalog`] checks: the second line,
//! the crossed-out price, bar code and weight.

use crate::catalog::check_price;
use crate::error::FieldError;
use crate::money::Fen;

/// Longest second line, in characters.
pub const MAX_SUBTITLE: usize = 80;
/// Heaviest SKU, in grams.
pub const MAX_WEIGHT: i64 = 1_000_000;

/// The second line is short and plain; it may be empty.
pub fn check_subtitle(subtitle: &str, errors: &mut Vec<FieldError>) {
    if subtitle.chars().count() > MAX_SUBTITLE || subtitle.chars().any(char::is_control) {
        errors.push(FieldError::new(
            "subtitle",
            "length",
            "expected at most 80 characters in one line",
            "副标题最多80个字符，且不能换行",
        ));
    }
}

/// A crossed-out price below the price would claim a discount that is none.
pub fn check_market_price(path: &str, price: Fen, market: Option<Fen>, errors: &mut Vec<FieldError>) {
    let Some(market) = market else { return };
    let before = errors.len();
    check_price(path, market, errors);
    if errors.len() == before && market < price {
        errors.push(FieldError::new(
            path,
            "below_price",
            "expected at least the price",
            "划线价不能低于售价",
        ));
    }
}

/// EAN, UPC and the like: 8 to 14 digits.
pub fn check_barcode(path: &str, barcode: Option<&str>, errors: &mut Vec<FieldError>) {
    let Some(barcode) = barcode else { return };
    if !(8..=14).contains(&barcode.len()) || !barcode.bytes().all(|b| b.is_ascii_digit()) {
        errors.push(FieldError::new(path, "barcode", "expected 8 to 14 digits", "条形码需8至14位数字"));
    }
}

/// Up to a ton.
pub fn check_weight(path: &str, grams: Option<i64>, errors: &mut Vec<FieldError>) {
    if grams.is_some_and(|grams| !(0..=MAX_WEIGHT).contains(&grams)) {
        errors.push(FieldError::new(
            path,
            "range",
            "expected 0 to 1000000 grams",
            "重量需在0至1000000克之间",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &[&str], run: impl FnOnce(&mut Vec<FieldError>)) {
        let mut errors = Vec::new();
        run(&mut errors);
        let words: Vec<_> = errors.iter().map(|error| error.code).collect();
        assert_eq!(words, expected);
    }

    #[test]
    fn facts() {
        let price = Fen::new(1000);
        check(&[], |e| check_market_price("p", price, None, e));
        check(&[], |e| check_market_price("p", price, Some(Fen::new(1000)), e));
        check(&["below_price"], |e| check_market_price("p", price, Some(Fen::new(999)), e));
        check(&["range"], |e| check_market_price("p", price, Some(Fen::new(0)), e));
        check(&[], |e| check_barcode("b", Some("6901234567892"), e));
        check(&["barcode"], |e| check_barcode("b", Some("69-1234567"), e));
        check(&["range"], |e| check_weight("w", Some(-1), e));
        check(&["length"], |e| check_subtitle("a\nb", e));
    }
}
