//! The life of a memtable in an engine: threads write, a full table is rotated, a flusher writes
//! the sealed one to a sorted file and drops it.
//!
//!     cargo run --release --example lsm [DIRECTORY]
//!
//! At the end every file is read back, merged, and compared with what was written.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Mutex, RwLock};
use std::thread;

use fastskip::{Options, Table};

const WRITERS: u32 = 4;
const KEYS: u32 = 50_000;

/// Where writers find the table, and the flusher's mailbox.
struct Engine {
    current: RwLock<Table>,
    full: Mutex<Sender<Table>>,
}

impl Engine {
    fn put(&self, key: &[u8], value: &[u8]) -> fastskip::Result<()> {
        self.write(|table| table.put(key, value))
    }

    fn delete(&self, key: &[u8]) -> fastskip::Result<()> {
        self.write(|table| table.delete(key))
    }

    /// Writes to the current table, or to the next one if that is full or sealed.
    fn write(&self, write: impl Fn(&Table) -> fastskip::Result<()>) -> fastskip::Result<()> {
        loop {
            let table = self.current.read().unwrap().clone();
            match write(&table) {
                Err(fastskip::Error::Full | fastskip::Error::Sealed) => self.rotate(table)?,
                Ok(()) if table.under_backpressure() => return self.rotate(table),
                answer => return answer,
            }
        }
    }

    fn rotate(&self, table: Table) -> fastskip::Result<()> {
        let mut current = self.current.write().unwrap();
        if current.is_sealed() || table.is_sealed() {
            return Ok(()); // somebody else was faster
        }
        *current = table.rotate()?;
        let full = self.full.lock().unwrap();
        full.send(table).expect("the flusher is there");
        Ok(())
    }
}

/// Writes each table that arrives to a sorted file: per entry the kind, both sizes, key and value.
fn flush(directory: &Path, tables: Receiver<Table>) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for table in tables {
        let path = directory.join(format!("{:04}.run", files.len()));
        let mut file = BufWriter::new(File::create(&path)?);
        for entry in table.scan().tombstones().iter() {
            let entry = entry.map_err(|e| io::Error::new(io::ErrorKind::Other, e))?;
            file.write_all(&[entry.kind.number()])?;
            file.write_all(&(entry.key.len() as u32).to_le_bytes())?;
            file.write_all(&(entry.value.len() as u32).to_le_bytes())?;
            file.write_all(entry.key)?;
            file.write_all(entry.value)?;
        }
        file.into_inner()?.sync_all()?;
        drop(table); // its memory goes in one go
        files.push(path);
    }
    Ok(files)
}

/// Reads one file into what is known from older ones; how many entries it has.
fn merge(path: &Path, into: &mut BTreeMap<Vec<u8>, Vec<u8>>) -> Result<usize, Box<dyn Error>> {
    let mut file = BufReader::new(File::open(path)?);
    let (mut last, mut count) = (None, 0);
    let mut head = [0; 9];
    while file.read_exact(&mut head).is_ok() {
        let size = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap()) as usize;
        let (mut key, mut value) = (vec![0; size(1)], vec![0; size(5)]);
        file.read_exact(&mut key)?;
        file.read_exact(&mut value)?;
        assert!(last.as_ref() < Some(&key), "{:?} is not sorted", path);
        last = Some(key.clone());
        match head[0] {
            0 => into.insert(key, value),
            _ => into.remove(&key),
        };
        count += 1;
    }
    Ok(count)
}

/// Each writer has keys of its own, writes them all, then deletes one in five.
fn work(engine: &Engine, writer: u32) -> fastskip::Result<()> {
    for i in 0..KEYS {
        let key = format!("{:08}-{}", i * 7919 % KEYS, writer);
        engine.put(key.as_bytes(), format!("value of {}", i).as_bytes())?;
    }
    for i in (0..KEYS).step_by(5) {
        engine.delete(format!("{:08}-{}", i, writer).as_bytes())?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let unique = format!("fastskip-lsm-{}", std::process::id());
    let directory = std::env::args_os()
        .nth(1)
        .map_or_else(|| std::env::temp_dir().join(unique), PathBuf::from);
    std::fs::create_dir_all(&directory)?;
    let (full, tables) = channel();
    let table = Options::new().memory_limit(2 << 20).build()?;
    let engine = Engine {
        current: RwLock::new(table),
        full: Mutex::new(full),
    };
    let to = directory.clone();
    let flusher = thread::spawn(move || flush(&to, tables));
    thread::scope(|scope| {
        let mut writers = Vec::new();
        for writer in 0..WRITERS {
            let engine = &engine;
            writers.push(scope.spawn(move || work(engine, writer)));
        }
        for writer in writers {
            writer.join().expect("no writer panics")?;
        }
        fastskip::Result::Ok(())
    })?;
    // The last table, and the end of the flusher's work.
    let Engine { current, full } = engine;
    let last = current.into_inner()?;
    last.seal()?;
    let full = full.into_inner()?;
    full.send(last)?;
    drop(full);
    let files = flusher.join().expect("the flusher does not panic")?;

    let (mut merged, mut entries) = (BTreeMap::new(), 0);
    for file in &files {
        entries += merge(file, &mut merged)?;
    }
    std::fs::remove_dir_all(&directory)?;
    println!(
        "{} sorted files, {} entries, {} keys",
        files.len(),
        entries,
        merged.len()
    );
    assert_eq!(merged.len() as u32, WRITERS * KEYS / 5 * 4);
    assert!(merged.iter().all(|(key, value)| is_right(key, value)));
    assert!(files.len() > 1);
    println!("verified");
    Ok(())
}

/// Does the value belong to the key?
fn is_right(key: &[u8], value: &[u8]) -> bool {
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    let number: u32 = text(&key[..8]).parse().unwrap();
    let i: u32 = text(value).trim_start_matches("value of ").parse().unwrap();
    number % 5 != 0 && number == i * 7919 % KEYS
}
