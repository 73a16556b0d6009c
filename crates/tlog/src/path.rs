//! Numbers as path elements: `1234067` is `x001/x234/067`.

/// Writes a number in elements of three digits.
pub(crate) fn write(number: u64) -> String {
    let mut elements = vec![format!("{:03}", number % 1_000)];
    let mut rest = number / 1_000;
    while rest > 0 {
        elements.push(format!("x{:03}", rest % 1_000));
        rest /= 1_000;
    }
    elements.reverse();
    elements.join("/")
}

/// Reads a number back; only the form that [`write()`] gives is accepted.
pub(crate) fn read(path: &str) -> Option<u64> {
    let mut number = 0_u64;
    for element in path.split('/') {
        let digits = element.strip_prefix('x').unwrap_or(element);
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        number = number
            .checked_mul(1_000)?
            .checked_add(digits.parse().ok()?)?;
    }
    (write(number) == path).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_three_digits() {
        assert_eq!(write(0), "000");
        assert_eq!(write(67), "067");
        assert_eq!(write(1_234_067), "x001/x234/067");
        assert_eq!(write(1_000), "x001/000");
        for number in [0, 1, 999, 1_000, 273_000, 1_234_067, u64::MAX] {
            assert_eq!(read(&write(number)), Some(number));
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for path in [
            "",
            "0",
            "00",
            "0000",
            "x000/000",
            "x067",
            "001/067",
            "x001/x067",
            "+01",
            "x-01/000",
            "x001/ 67",
            "x001//067",
            "/067",
            "x999/x999/x999/x999/x999/x999/x999/999",
            "０６７",
        ] {
            assert_eq!(read(path), None, "{path}");
        }
    }
}
