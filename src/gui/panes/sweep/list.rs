//! Lists of values in text fields.

use std::{fmt::Display, str::FromStr};

use crate::sweep::grid::MAX_RUNS;

pub struct ListField<T> {
    pub text: String,
    pub values: Vec<T>,
    /// Why the text is not a valid list, one sentence.
    pub error: Option<String>,
}

impl<T: Display> ListField<T> {
    pub fn new(values: Vec<T>) -> Self {
        Self {
            text: to_text(&values),
            values,
            error: None,
        }
    }

    /// Parses the text after a change.
    pub fn update(&mut self, parse: impl Fn(&str) -> Result<Vec<T>, String>) {
        match parse(&self.text) {
            Ok(values) => (self.values, self.error) = (values, None),
            Err(error) => self.error = Some(error),
        }
    }
}

/// Formats values as a list that [`parse`] reads.
fn to_text<T: Display>(values: &[T]) -> String {
    let texts: Vec<String> = values.iter().map(T::to_string).collect();
    texts.join(", ")
}

/// Parses distinct values separated by commas, semicolons or spaces; `first:last` is a range of
/// whole numbers.
///
/// # Errors
/// One sentence, when a part is not valid or repeated, or there are none or too many.
pub fn parse<T: FromStr<Err = impl Display> + PartialEq>(text: &str) -> Result<Vec<T>, String> {
    let mut values: Vec<T> = Vec::new();
    let separators = [',', ';', ' ', '\t', '\n'];
    for part in text.split(separators).filter(|part| !part.is_empty()) {
        let numbers = match part.split_once(':') {
            None => vec![part.to_owned()],
            Some((first, last)) => range(first, last).ok_or_else(|| {
                format!("“{part}” is not a valid range; write first:last, such as 1:5")
            })?,
        };
        for number in numbers {
            let value: T = number
                .parse()
                .map_err(|error| format!("“{number}” is not valid: {error}"))?;
            if values.contains(&value) {
                return Err(format!("{number} is listed twice"));
            }
            values.push(value);
        }
        if values.len() > MAX_RUNS {
            return Err(format!("at most {MAX_RUNS} numbers are allowed"));
        }
    }
    if values.is_empty() {
        return Err("enter at least one number".to_owned());
    }
    Ok(values)
}

/// Every number of a range; `None` if it is reversed or longer than [`MAX_RUNS`].
fn range(first: &str, last: &str) -> Option<Vec<String>> {
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let count = last.checked_sub(first)?;
    (count < MAX_RUNS as u64).then(|| (first..=last).map(|number| number.to_string()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::LatentSize;

    #[test]
    fn invalid_lists_are_refused_with_the_reason() {
        assert_eq!(parse::<u64>("1, 2;5:7 9"), Ok(vec![1, 2, 5, 6, 7, 9]));
        assert_eq!(parse::<u64>(&format!("{}", u64::MAX)), Ok(vec![u64::MAX]));
        for (text, part) in [
            ("", "enter at least one"),
            ("1, 1", "1 is listed twice"),
            ("x", "“x” is not valid"),
            ("5:1", "“5:1” is not a valid range"),
            ("0:99999999999", "is not a valid range"),
            ("-1", "“-1” is not valid"),
        ] {
            let error = parse::<u64>(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert!(parse::<LatentSize>("2000").is_err());
    }

    proptest! {
        #[test]
        fn a_formatted_list_parses_to_the_same_values(seeds in proptest::collection::hash_set(any::<u64>(), 1..30)) {
            let seeds: Vec<u64> = seeds.into_iter().collect();
            prop_assert_eq!(parse(&to_text(&seeds)), Ok(seeds));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[0-9:, ]{0,40}") {
            let _ = parse::<u64>(&text);
        }
    }
}
