//! Reads the files of a zip archive.

use std::io::Read;

const LARGEST_FILE: u64 = 100_000_000;
const STORED: usize = 0;
const DEFLATED: usize = 8;

pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// The content of each file, by the directory at the archive's end.
pub(super) fn files(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    read(bytes).ok_or_else(|| "the zip archive is damaged".into())
}

fn read(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let number = |at: usize, length: usize| {
        let field = bytes.get(at..at + length)?;
        Some(field.iter().rev().fold(0usize, |number, byte| number << 8 | usize::from(*byte)))
    };
    let end = bytes.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let count = number(end + 10, 2)?;
    let mut at = number(end + 16, 4)?;
    let mut files = Vec::new();
    for _ in 0..count {
        if bytes.get(at..at + 4)? != b"PK\x01\x02" {
            return None;
        }
        let (method, packed, start) = (number(at + 10, 2)?, number(at + 20, 4)?, number(at + 42, 4)?);
        let content = start + 30 + number(start + 26, 2)? + number(start + 28, 2)?;
        let content = bytes.get(content..content + packed)?;
        match method {
            STORED => files.push(content.to_vec()),
            DEFLATED => {
                let mut file = Vec::new();
                let decoder = flate2::read::DeflateDecoder::new(content);
                decoder.take(LARGEST_FILE).read_to_end(&mut file).ok()?;
                files.push(file);
            }
            _ => return None,
        }
        at += 46 + number(at + 28, 2)? + number(at + 30, 2)? + number(at + 32, 2)?;
    }
    Some(files)
}
