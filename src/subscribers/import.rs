//! Subscribers from a CSV file.

use super::address::{BadAddress, EmailAddress};

/// One row that can be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub address: EmailAddress,
    pub name: Option<String>,
}

/// A row that cannot; the others are not held up by it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRow {
    #[error("line {line}")]
    Address { line: u64, source: BadAddress },
    #[error("line {line}: cannot be read as CSV: {reason}")]
    Csv { line: u64, reason: String },
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file has no column named `email` or `address`; its first line is `{0}`")]
pub struct NoAddressColumn(String);

/// Reads rows from CSV text with a header line, or from one address a line.
///
/// The columns `email` (or `address`, `e-mail`) and `name` count, others are left aside. A leading
/// apostrophe, which exports put before a cell that a spreadsheet would run, is taken off.
pub fn rows(text: &str) -> Result<Vec<Result<Row, BadRow>>, NoAddressColumn> {
    let text = text.trim_start_matches('\u{FEFF}');
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') && !first.contains(',') {
        b';'
    } else {
        b','
    };
    let headless = EmailAddress::parse(
        first
            .split(char::from(delimiter))
            .next()
            .unwrap_or_default()
            .trim_matches('"'),
    )
    .is_ok();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(!headless)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let (address, name) = if headless {
        (0, Some(1))
    } else {
        let headers = reader.headers().cloned().unwrap_or_default();
        let column = |names: &[&str]| {
            headers
                .iter()
                .position(|header| names.iter().any(|name| header.eq_ignore_ascii_case(name)))
        };
        let address = column(&["email", "e-mail", "address", "mail"]).ok_or_else(|| {
            NoAddressColumn(first.chars().filter(|c| !c.is_control()).take(80).collect())
        })?;
        (address, column(&["name", "full name", "full_name"]))
    };
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.map_err(|err| BadRow::Csv {
            line: err.position().map_or(0, csv::Position::line),
            reason: err.to_string(),
        })?;
        let cell = |at: usize| {
            record
                .get(at)
                .map(|cell| cell.strip_prefix('\'').unwrap_or(cell))
        };
        let line = record.position().map_or(0, csv::Position::line);
        Ok(Row {
            address: EmailAddress::parse(cell(address).unwrap_or_default())
                .map_err(|source| BadRow::Address { line, source })?,
            name: name
                .and_then(cell)
                .map(clean_name)
                .filter(|name| !name.is_empty()),
        })
    };
    Ok(reader.records().map(row).collect())
}

/// A person's name without control characters, at most 100 characters long.
pub fn clean_name(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_control())
        .take(100)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[Result<(&str, Option<&str>), u64>]) {
        let rows: Vec<Result<(String, Option<String>), u64>> = rows(text)
            .unwrap()
            .into_iter()
            .map(|row| match row {
                Ok(row) => Ok((row.address.as_str().to_owned(), row.name)),
                Err(BadRow::Address { line, .. } | BadRow::Csv { line, .. }) => Err(line),
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|row| row.map(|(address, name)| (address.to_owned(), name.map(str::to_owned))))
            .collect();
        assert_eq!(rows, expected, "{text}");
    }

    #[test]
    fn columns_are_found_by_their_header_and_bad_rows_are_named_by_line() {
        check(
            "name,Email,joined\nAnn Lee,ann@example.org,2024\n\"Doe, Bob\",bob@example.org,\nnobody,not an address,\n",
            &[
                Ok(("ann@example.org", Some("Ann Lee"))),
                Ok(("bob@example.org", Some("Doe, Bob"))),
                Err(4),
            ],
        );
        check(
            "\u{FEFF}email;name\nann@example.org;Ann\n",
            &[Ok(("ann@example.org", Some("Ann")))],
        );
    }

    #[test]
    fn a_bare_list_of_addresses_will_do() {
        check(
            "ann@example.org\nbob@example.org\n",
            &[Ok(("ann@example.org", None)), Ok(("bob@example.org", None))],
        );
    }

    #[test]
    fn a_spreadsheets_guard_is_taken_off() {
        check(
            "email,name\nann@example.org,'=1+1\n",
            &[Ok(("ann@example.org", Some("=1+1")))],
        );
    }

    #[test]
    fn a_file_without_addresses_is_refused_as_a_whole() {
        assert_eq!(
            rows("first,last\nAnn,Lee\n"),
            Err(NoAddressColumn("first,last".to_owned()))
        );
    }
}
