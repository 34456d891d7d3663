//! Masking what people write before it is kept.

/// What is kept of a person's text: numbers long enough to be a phone, an identity card or a bank card are masked
/// before the text is stored.
pub fn masked(text: &str) -> String {
    const LEAST: usize = 7;
    let mut kept = String::with_capacity(text.len());
    let mut run: Vec<char> = Vec::new();
    let end = |run: &mut Vec<char>, kept: &mut String| {
        let long = run.len() >= LEAST;
        let tail = if run.len() > 9 { 4 } else { 0 };
        for (index, one) in run.iter().enumerate() {
            let hidden = long && index >= 3 && index + tail < run.len();
            kept.push(if hidden { '*' } else { *one });
        }
        run.clear();
    };
    for one in text.chars() {
        // An identity card may end in X.
        if one.is_ascii_digit() || (run.len() == 17 && matches!(one, 'x' | 'X')) {
            run.push(one);
        } else {
            end(&mut run, &mut kept);
            kept.push(one);
        }
    }
    end(&mut run, &mut kept);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_masked() {
        for (text, expected) in [
            ("电话13800138000谢谢", "电话138****8000谢谢"),
            ("订单 123456 什么时候到", "订单 123456 什么时候到"),
            ("1234567", "123****"),
            ("110101199003078515", "110***********8515"),
            ("11010119900307851X。", "110***********851X。"),
            ("", ""),
        ] {
            assert_eq!(masked(text), expected);
        }
    }
}
