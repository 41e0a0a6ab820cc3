//! Single figures with what they are, for what has no rival.

use std::fs;
use std::io::{Write, stdout};
use std::path::Path;

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::Failure;

/// One line of the table.
#[derive(Serialize)]
struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
}

/// What was measured, in order.
#[derive(Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Figures(Vec<Figure>);

impl Figures {
    pub(crate) fn note(&mut self, what: &str, value: f64, unit: &'static str) {
        self.0.push(Figure { what: what.to_owned(), value, unit });
    }

    pub(crate) fn print(&self) -> Result<(), Failure> {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header(["what", "figure", ""]);
        for Figure { what, value, unit } in &self.0 {
            table.add_row([what.clone(), format!("{value:.4}"), (*unit).to_owned()]);
        }
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(stdout(), "{table}")?;
        Ok(())
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        Ok(fs::write(path, serde_json::to_string_pretty(self)? + "\n")?)
    }
}

/// Of values in ascending order, that which so many percent do not exceed.
pub(crate) fn percentile(ascending: &[f64], percent: usize) -> f64 {
    ascending[(ascending.len() * percent / 100).min(ascending.len() - 1)]
}
