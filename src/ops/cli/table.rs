//! Rows under headings, as wide as they need to be and no wider than the terminal.

/// The narrowest a column is cut to.
const NARROWEST: usize = 12;

#[derive(Clone, Debug)]
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(headings: &[&'static str]) -> Table {
        Table {
            headings: headings.to_vec(),
            rows: Vec::new(),
        }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().map(|cell| one_line(&cell)).collect());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Lays the table out; where it is wider than `width`, the widest columns are cut first.
    pub fn lay_out(&self, width: Option<u16>) -> String {
        let mut widths: Vec<usize> = self
            .headings
            .iter()
            .map(|heading| heading.chars().count())
            .collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        if let Some(limit) = width.map(usize::from) {
            let gaps = 2 * widths.len().saturating_sub(1);
            while widths.iter().sum::<usize>() + gaps > limit {
                match widths.iter_mut().max() {
                    Some(widest) if *widest > NARROWEST => *widest -= 1,
                    _ => break,
                }
            }
        }
        let headings: Vec<String> = self
            .headings
            .iter()
            .map(|heading| (*heading).to_owned())
            .collect();
        [headings]
            .iter()
            .chain(&self.rows)
            .map(|row| lay_out_row(row, &widths))
            .collect()
    }
}

fn lay_out_row(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{:width$}", clip(cell, *width)))
        .collect();
    cells.join("  ").trim_end().to_owned() + "\n"
}

fn clip(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    cell.chars()
        .take(width.saturating_sub(1))
        .chain(['…'])
        .collect()
}

fn one_line(cell: &str) -> String {
    cell.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_the_widest_gives_way() {
        let mut table = Table::new(&["ID", "TITLE"]);
        table.row(["1".to_owned(), "A short one".to_owned()]);
        table.row([
            "12".to_owned(),
            "A rather longer\ntitle with a break".to_owned(),
        ]);

        assert_eq!(
            table.lay_out(None),
            "ID  TITLE\n1   A short one\n12  A rather longer title with a break\n"
        );
        assert_eq!(
            table.lay_out(Some(20)),
            "ID  TITLE\n1   A short one\n12  A rather longer…\n"
        );
    }
}
