//! Reads tables: CSV and JSON Lines.

use std::{
    fmt::Display,
    hash::{BuildHasher, RandomState},
    io::{self, BufRead, BufReader, Cursor, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use csv::{ByteRecord, ReaderBuilder};
use replicant::{Object, Value};

use crate::failure::{FAILED, Failure};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// The first line names the columns, which this character separates.
    Csv(u8),
    /// A JSON object in each line.
    JsonLines,
}

impl Format {
    /// Returns the format with a name, which is also the extension of its files.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "csv" => Self::Csv(b','),
            "tsv" => Self::Csv(b'\t'),
            "jsonl" | "ndjson" => Self::JsonLines,
            _ => return None,
        })
    }
}

/// A row of a table.
#[derive(Debug)]
pub(crate) struct Columns {
    /// The line on which it begins, from 1.
    pub line: u64,
    pub values: Object,
    /// Whether all values are text, which stands for values of other types.
    pub is_text: bool,
}

/// The rows of a table. An error says what is wrong with which line, and ends it.
pub(crate) type Rows = Box<dyn Iterator<Item = Result<Columns, Failure>> + Send>;

/// Reads a table.
pub(crate) fn read(mut input: impl Read + Send + 'static, format: Format) -> Rows {
    let mut start = Vec::new();
    if let Err(error) = input.by_ref().take(3).read_to_end(&mut start) {
        return Box::new(std::iter::once(Err(unreadable(&error))));
    }
    if start == BYTE_ORDER_MARK {
        start.clear();
    }
    let input = Cursor::new(start).chain(input);
    match format {
        Format::Csv(delimiter) => {
            let lines = Arc::new(AtomicU64::new(0));
            let end = end();
            let input = input.chain(Cursor::new(end.clone()));
            let input = ByLine { input: BufReader::new(input), lines: lines.clone() };
            let reader = ReaderBuilder::new()
                .delimiter(delimiter)
                .has_headers(false)
                // Rows of another length are reported here, with their lines.
                .flexible(true)
                .from_reader(input);
            Box::new(until_error(Csv { reader, lines, end, names: Vec::new() }))
        }
        Format::JsonLines => Box::new(until_error(JsonLines { reader: BufReader::new(input), line: 0 })),
    }
}

/// Returns a line after the last one, which becomes a part of a cell if the quote of that cell is not closed. It is random, so
/// that no table contains it.
fn end() -> Vec<u8> {
    format!("\n\x1e{:x}\x1e\n", RandomState::new().hash_one(())).into_bytes()
}

fn unreadable(error: &dyn Display) -> Failure {
    Failure::new(FAILED, format!("cannot be read: {error}"))
}

fn until_error(
    rows: impl Iterator<Item = Result<Columns, Failure>>,
) -> impl Iterator<Item = Result<Columns, Failure>> {
    rows.scan(false, |failed, row| {
        let ended = std::mem::replace(failed, row.is_err());
        (!ended).then_some(row)
    })
}

/// Gives the CSV reader at most one line per read, so that `lines` is the line of the record just parsed; the positions of
/// `csv` are one line behind.
struct ByLine<R> {
    input: R,
    lines: Arc<AtomicU64>,
}

impl<R: BufRead> Read for ByLine<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.input.fill_buf()?;
        let end = available.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let length = end.unwrap_or(available.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.lines.fetch_add(u64::from(end == Some(length)), Relaxed);
        self.input.consume(length);
        Ok(length)
    }
}

struct Csv<R> {
    reader: csv::Reader<R>,
    lines: Arc<AtomicU64>,
    end: Vec<u8>,
    names: Vec<String>,
}

impl<R: Read> Csv<R> {
    /// Returns the number of the next line, and its cells. `None` at the end.
    fn cells(&mut self) -> Result<Option<(u64, Vec<String>)>, Failure> {
        let mut record = ByteRecord::new();
        if !self.reader.read_byte_record(&mut record).map_err(|error| unreadable(&error))? {
            return Ok(None);
        }
        let within = record.iter().flatten().filter(|byte| **byte == b'\n').count() as u64;
        let line = self.lines.load(Relaxed).saturating_sub(within);
        if record.len() == 1 && record[0] == self.end[1..self.end.len() - 1] {
            return Ok(None);
        }
        if record.iter().next_back().is_some_and(|cell| cell.ends_with(&self.end)) {
            let line = line + 1;
            return Err(Failure::usage(format!("line {line} has a quote that is not closed")));
        }
        let cell = |cell: &[u8]| {
            let text = std::str::from_utf8(cell).map(str::to_owned);
            text.map_err(|_| Failure::usage(format!("line {line} is not text in UTF-8")))
        };
        let cells: Result<_, _> = record.iter().map(cell).collect();
        Ok(Some((line, cells?)))
    }

    /// Reads the names of the columns. There are none if the table is empty.
    fn read_names(&mut self) -> Result<(), Failure> {
        let Some((line, names)) = self.cells()? else { return Ok(()) };
        for (number, name) in names.iter().enumerate() {
            if name.is_empty() {
                return Err(Failure::usage(format!("line {line}: column {} has no name", number + 1)));
            }
            if names[..number].contains(name) {
                return Err(Failure::usage(format!("line {line} names the column `{name}` twice")));
            }
        }
        self.names = names;
        Ok(())
    }

    fn row(&mut self) -> Result<Option<Columns>, Failure> {
        if self.names.is_empty() {
            self.read_names()?;
        }
        let Some((line, cells)) = self.cells()? else { return Ok(None) };
        if cells.len() != self.names.len() {
            let count = |count, noun| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
            let (cells, columns) = (count(cells.len(), "cell"), count(self.names.len(), "column"));
            return Err(Failure::usage(format!(
                "line {line} has {cells}, but the first line names {columns}"
            )));
        }
        let values = self.names.iter().cloned().zip(cells.into_iter().map(Value::from)).collect();
        Ok(Some(Columns { line, values, is_text: true }))
    }
}

impl<R: Read> Iterator for Csv<R> {
    type Item = Result<Columns, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.row().transpose()
    }
}

struct JsonLines<R> {
    reader: R,
    line: u64,
}

impl<R: BufRead> Iterator for JsonLines<R> {
    type Item = Result<Columns, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut text = Vec::new();
        loop {
            text.clear();
            self.line += 1;
            match self.reader.read_until(b'\n', &mut text) {
                Ok(0) => return None,
                Ok(_) if text.trim_ascii().is_empty() => {}
                Ok(_) => break,
                Err(error) => return Some(Err(unreadable(&error))),
            }
        }
        let line = self.line;
        Some(match Value::from_json(&text) {
            Ok(Value::Object(values)) => Ok(Columns { line, values, is_text: false }),
            Ok(_) => {
                Err(Failure::usage(format!("line {line} must be a JSON object with the columns by name")))
            }
            Err(error) => Err(Failure::usage(format!("line {line} is not JSON: {error}"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &'static [u8], format: &str) -> Result<Vec<(u64, String)>, String> {
        let rows = read(text, Format::named(format).unwrap());
        let rows = rows.map(|row| row.map(|row| (row.line, Value::Object(row.values).to_string())));
        rows.collect::<Result<_, _>>().map_err(|failure| failure.message)
    }

    #[test]
    fn cells_may_be_quoted_and_lines_are_counted() {
        let read = lines(b"\xef\xbb\xbfa,b\r\n1,\"x\ny\"\r\n2,\"\"\"q\"\", r\"\n3,", "csv").unwrap();
        let expected =
            [(2, r#"{"a":"1","b":"x\ny"}"#), (4, r#"{"a":"2","b":"\"q\", r"}"#), (5, r#"{"a":"3","b":""}"#)];
        assert_eq!(read, expected.map(|(line, row)| (line, row.to_owned())));
        assert_eq!(lines(b"a\tb\n1\t2,3\n", "tsv").unwrap()[0].1, r#"{"a":"1","b":"2,3"}"#);
        let read = lines(b"a\n1\n\x1ereplicant\x1e\n2\n", "csv").unwrap();
        assert_eq!(read.len(), 3, "{read:?}");
        assert_eq!(lines(b"", "csv").unwrap(), []);
        assert_eq!(lines(b"a,b", "csv").unwrap(), []);
    }

    #[test]
    fn json_lines_keep_their_types() {
        let read = lines(b"{\"a\":1}\n\n  {\"a\":123456789012345678901234567890}", "jsonl").unwrap();
        assert_eq!(
            read,
            [(1, r#"{"a":1}"#.to_owned()), (3, r#"{"a":123456789012345678901234567890}"#.to_owned())]
        );
    }

    #[test]
    fn wrong_lines_are_named() {
        for (text, format, why) in [
            (&b"a,b\n1,2\n3\n"[..], "csv", "line 3 has 1 cell, but the first line names 2 columns"),
            (b"a,b\n1,2\n\n3,4,5\n", "csv", "line 4 has 3 cells"),
            (b"a,b\n\"x\ny\",2\n3,4,5\n", "csv", "line 4 has 3 cells"),
            (b"a\n1\n\"2\n3\n4\n", "csv", "line 3 has a quote that is not closed"),
            (b"a\n\xff\n", "csv", "line 2 is not text in UTF-8"),
            (b"a,a\n", "csv", "line 1 names the column `a` twice"),
            (b"a,,b\n", "csv", "line 1: column 2 has no name"),
            (b"{}\n\n{\"a\":}\n", "jsonl", "line 3 is not JSON"),
            (b"{}\n[1]\n", "jsonl", "line 2 must be a JSON object"),
        ] {
            let error = lines(text, format).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let mut rows = read(&b"a\n\xff\n1\n"[..], Format::Csv(b','));
        assert!(rows.next().unwrap().is_err() && rows.next().is_none(), "an error ends the rows");
    }
}
