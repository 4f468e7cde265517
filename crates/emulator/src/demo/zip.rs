//! Reads the files of a zip archive.

use std::io::Read;

const LARGEST_FILE: u64 = 100_000_000;
const STORED: usize = 0;
const DEFLATED: usize = 8;

pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Returns the content of each file in the central directory.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds an archive of files that are stored or, with `true`, deflated.
    fn archive(contents: &[(&[u8], bool)]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (content, deflate) in contents {
            let packed = if *deflate { deflated(content) } else { content.to_vec() };
            let method = if *deflate { DEFLATED as u16 } else { STORED as u16 };
            let start = bytes.len() as u32;
            bytes.extend_from_slice(b"PK\x03\x04");
            bytes.extend_from_slice(&[0; 22]);
            bytes.extend_from_slice(&[1, 0, 0, 0, b'n']);
            bytes.extend_from_slice(&packed);
            directory.extend_from_slice(b"PK\x01\x02\0\0\0\0\0\0");
            directory.extend_from_slice(&method.to_le_bytes());
            directory.extend_from_slice(&[0; 8]);
            directory.extend_from_slice(&(packed.len() as u32).to_le_bytes());
            directory.extend_from_slice(&(content.len() as u32).to_le_bytes());
            directory.extend_from_slice(&[1, 0]);
            directory.extend_from_slice(&[0; 12]);
            directory.extend_from_slice(&start.to_le_bytes());
            directory.push(b'n');
        }
        let (start, length) = (bytes.len() as u32, directory.len() as u32);
        bytes.extend_from_slice(&directory);
        bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        let count = contents.len() as u16;
        bytes.extend([count, count].iter().flat_map(|count| count.to_le_bytes()));
        bytes.extend([length, start].iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend_from_slice(&[0, 0]);
        bytes
    }

    fn deflated(content: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        let mut encoder = flate2::read::DeflateEncoder::new(content, flate2::Compression::best());
        encoder.read_to_end(&mut packed).expect("packed");
        packed
    }

    #[test]
    fn stored_and_deflated_files_are_extracted() {
        let long = b"a long text, a long text, a long text".as_slice();
        let bytes = archive(&[(b"hello", false), (long, true)]);
        assert!(is_archive(&bytes));
        assert_eq!(files(&bytes), Ok(vec![b"hello".to_vec(), long.to_vec()]));
        assert!(files(&bytes[..bytes.len() - 30]).is_err());
    }
}
