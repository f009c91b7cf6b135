//! What is left on a disk when the power goes: everything that was synced, and of the rest any sectors, in any of
//! the states they were in. It takes what the shim wrote down; it knows nothing of databases.

use crate::crowd::Chance;
use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;
/// What the kernel takes to the disk together.
const PAGE: usize = 4096;

/// How much of what was not synced is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of it.
    Everything,
    /// None of it: only the process is gone.
    Nothing,
    /// Each sector with this chance in eight, and each of them may have been written back at any moment.
    Eighths(usize),
}

impl Loss {
    /// One of them.
    pub fn any(chance: &mut Chance) -> Self {
        match chance.below(9) {
            0 => Self::Everything,
            8 => Self::Nothing,
            eighths => Self::Eighths(eighths),
        }
    }

    fn takes(self, chance: &mut Chance) -> bool {
        match self {
            Self::Everything => true,
            Self::Nothing => false,
            Self::Eighths(eighths) => chance.below(8) < eighths,
        }
    }
}

/// A file as programs see it and as the disk has it.
#[derive(Clone, Debug, Default)]
struct Contents {
    seen: Vec<u8>,
    disk: Vec<u8>,
    /// Pages that differ from the disk, or may.
    dirty: BTreeSet<usize>,
    /// The shortest that the file has been since it was synced, if it has been cut off.
    shortest: Option<usize>,
}

impl Contents {
    fn written(bytes: Vec<u8>) -> Self {
        Self { seen: bytes.clone(), disk: bytes, ..Self::default() }
    }

    fn write(&mut self, at: usize, data: &[u8]) {
        let end = at + data.len();
        self.seen.resize(self.seen.len().max(end), 0);
        self.seen[at..end].copy_from_slice(data);
        self.dirty.extend(at / PAGE..end.div_ceil(PAGE));
    }

    fn cut_off(&mut self, length: usize) {
        self.seen.resize(length, 0);
        self.shortest = Some(self.shortest.unwrap_or(length).min(length));
        self.dirty.retain(|page| page * PAGE < length);
    }

    fn cut_disk_off(&mut self) {
        if let Some(length) = self.shortest.take() {
            self.disk.truncate(length);
        }
    }

    fn put_down(&mut self) {
        self.cut_disk_off();
        for page in std::mem::take(&mut self.dirty) {
            (page * PAGE / SECTOR..(page + 1) * PAGE / SECTOR).for_each(|at| self.write_back(at));
        }
        self.disk.resize(self.seen.len(), 0);
    }

    fn write_back(&mut self, sector: usize) {
        let (from, to) = (sector * SECTOR, self.seen.len().min((sector + 1) * SECTOR));
        if from < to {
            self.disk.resize(self.disk.len().max(to), 0);
            self.disk[from..to].copy_from_slice(&self.seen[from..to]);
        }
    }

    /// Some of what is dirty reaches the disk and the rest never does, though everybody sees it.
    fn lose(&mut self, loss: Loss, chance: &mut Chance) {
        if !loss.takes(chance) {
            self.cut_disk_off();
        }
        for page in std::mem::take(&mut self.dirty) {
            for sector in page * PAGE / SECTOR..(page + 1) * PAGE / SECTOR {
                if !loss.takes(chance) {
                    self.write_back(sector);
                }
            }
        }
    }

    /// The kernel writes something back of its own accord.
    fn write_back_any(&mut self, chance: &mut Chance) {
        let dirty: Vec<usize> = self.dirty.iter().copied().collect();
        if !dirty.is_empty() {
            let page = dirty[chance.below(dirty.len())];
            self.write_back(page * PAGE / SECTOR + chance.below(PAGE / SECTOR));
        }
    }
}

/// A change of the folder: a name now means this file, or none.
type Named = (String, Option<usize>);

/// The ledger's files on a disk.
pub struct Platter {
    files: Vec<Contents>,
    seen: BTreeMap<String, usize>,
    disk: BTreeMap<String, usize>,
    /// Changes of the folder since it was synced, in order.
    unsynced: Vec<Named>,
}

/// The files that last, by name.
fn read(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("the data folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("plain names"));
    let lasts = |name: &String| name.starts_with("ledger.sqlite3") && !name.ends_with("-shm");
    let read = |name: String| {
        let bytes = std::fs::read(folder.join(&name)).expect("it can be read");
        (name, bytes)
    };
    names.filter(lasts).map(read).collect()
}

impl Platter {
    /// Everything there is now, as if synced.
    pub fn of(folder: &Path) -> Self {
        let (names, files): (Vec<String>, Vec<Contents>) =
            read(folder).into_iter().map(|(name, bytes)| (name, Contents::written(bytes))).unzip();
        let seen: BTreeMap<String, usize> = names.into_iter().zip(0..).collect();
        Self { files, disk: seen.clone(), seen, unsynced: Vec::new() }
    }

    /// Does what was written down.
    pub fn replay(&mut self, journal: &[u8], loss: Loss, chance: &mut Chance) {
        let mut rest = journal;
        while let Some((head, after)) = rest.split_at_checked(24) {
            let word = |at: usize| u32::from_ne_bytes(head[at..at + 4].try_into().expect("four"));
            let long = |at: usize| u64::from_ne_bytes(head[at..at + 8].try_into().expect("eight"));
            let (kind, at, length) = (word(0), long(8) as usize, long(16) as usize);
            let (name, after) = after.split_at(word(4) as usize);
            let name = std::str::from_utf8(name).expect("plain names");
            let (data, after) = after.split_at(length);
            self.one(char::from_u32(kind).expect("a letter"), name, at, data, (loss, chance));
            rest = after;
        }
        assert!(rest.is_empty(), "the last entry was not written whole");
    }

    fn one(
        &mut self,
        kind: char,
        name: &str,
        at: usize,
        data: &[u8],
        (loss, chance): (Loss, &mut Chance),
    ) {
        match kind {
            'S' | 'F' if name.is_empty() => {
                if kind == 'S' {
                    self.disk = self.seen.clone();
                    self.unsynced.clear();
                }
            }
            'U' => {
                self.seen.remove(name);
                self.unsynced.push((name.to_owned(), None));
            }
            'W' => {
                let file = self.file(name);
                file.write(at, data);
                if matches!(loss, Loss::Eighths(_)) && chance.below(4) == 0 {
                    file.write_back_any(chance);
                }
            }
            'T' => self.file(name).cut_off(at),
            'S' => self.file(name).put_down(),
            'F' => self.file(name).lose(loss, chance),
            _ => panic!("{kind} was never written down"),
        }
    }

    fn file(&mut self, name: &str) -> &mut Contents {
        let at = *self.seen.entry(name.to_owned()).or_insert_with(|| {
            self.files.push(Contents::default());
            self.unsynced.push((name.to_owned(), Some(self.files.len() - 1)));
            self.files.len() - 1
        });
        &mut self.files[at]
    }

    /// Whether a folder is as programs saw it: nothing was left out of what was written down.
    pub fn is_seen_in(&self, folder: &Path) -> bool {
        let mut there = read(folder);
        // A file that was made and not yet written has no entry.
        there.retain(|name, bytes| !bytes.is_empty() || self.seen.contains_key(name));
        let seen = self.seen.iter().map(|(name, at)| (name.clone(), self.files[*at].seen.clone()));
        there == seen.collect()
    }

    /// The power goes: what the disk has then. The folder loses its latest changes, from some moment on.
    pub fn cut(mut self, loss: Loss, chance: &mut Chance) -> BTreeMap<String, Vec<u8>> {
        let kept = match loss {
            Loss::Everything => 0,
            Loss::Nothing => self.unsynced.len(),
            Loss::Eighths(_) => chance.below(self.unsynced.len() + 1),
        };
        for (name, file) in self.unsynced.drain(..kept) {
            match file {
                Some(file) => self.disk.insert(name, file),
                None => self.disk.remove(&name),
            };
        }
        self.files.iter_mut().for_each(|file| file.lose(loss, chance));
        let files = self.files;
        self.disk.into_iter().map(|(name, at)| (name, files[at].disk.clone())).collect()
    }
}

/// Puts this in the place of a folder's files that last.
pub fn put_back(folder: &Path, files: &BTreeMap<String, Vec<u8>>) {
    for name in read(folder).into_keys().filter(|name| !files.contains_key(name)) {
        std::fs::remove_file(folder.join(name)).expect("it is there");
    }
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("it can be written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("it is ours");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(journal: &[(char, &str, usize, &[u8])], loss: Loss) -> BTreeMap<String, Vec<u8>> {
        let mut platter = Platter {
            files: Vec::new(),
            seen: BTreeMap::new(),
            disk: BTreeMap::new(),
            unsynced: Vec::new(),
        };
        let mut chance = Chance::of("platter");
        for (kind, name, at, data) in journal {
            platter.one(*kind, name, *at, data, (loss, &mut chance));
        }
        platter.cut(loss, &mut chance)
    }

    fn files(all: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
        all.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect()
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_goes() {
        let old = [1; 3 * SECTOR];
        let begun: Vec<(char, &str, usize, &[u8])> =
            vec![('W', "a", 0, &old), ('S', "a", 0, b""), ('S', "", 0, b"")];
        let with = |more: &[(char, &'static str, usize, &'static [u8])], loss| {
            disk(&[begun.clone(), more.to_vec()].concat(), loss)
        };
        let whole = files(&[("a", &old)]);
        assert_eq!(disk(&begun[..2], Loss::Everything), files(&[]), "its name was not synced");
        assert_eq!(with(&[('W', "a", 0, b"new")], Loss::Everything), whole);
        assert_eq!(with(&[('T', "a", 1, b"")], Loss::Everything), whole);
        assert_eq!(with(&[('U', "a", 0, b"")], Loss::Everything), whole);
        assert_eq!(with(&[('U', "a", 0, b"")], Loss::Nothing), files(&[]));
        assert_eq!(with(&[('T', "a", 1, b"")], Loss::Nothing), files(&[("a", &[1])]));
        let cut = [('T', "a", 1, &b""[..]), ('S', "a", 0, b""), ('W', "a", 2, b"x")];
        assert_eq!(with(&cut, Loss::Everything), files(&[("a", &[1])]));
        assert_eq!(with(&cut, Loss::Nothing), files(&[("a", &[1, 0, b'x'])]));
    }

    /// As Linux does it; a program that syncs once more after a failure would lose what it believes in.
    #[test]
    fn what_a_failed_sync_left_out_no_later_sync_makes_good() {
        let named: [(char, &str, usize, &[u8]); 4] =
            [('W', "a", 0, b"old"), ('S', "a", 0, b""), ('S', "", 0, b""), ('W', "a", 0, b"new")];
        let failed = [&named[..], &[('F', "a", 0, b""), ('S', "a", 0, b"")]].concat();
        assert_eq!(disk(&failed, Loss::Everything), files(&[("a", b"old")]));
        let again = [&failed[..], &[('W', "a", 0, b"new"), ('S', "a", 0, b"")]].concat();
        assert_eq!(disk(&again, Loss::Everything), files(&[("a", b"new")]));
    }

    #[test]
    fn what_is_lost_is_lost_by_the_sector() {
        let new = vec![2; 64 * SECTOR];
        let journal: [(char, &str, usize, &[u8]); 3] =
            [('W', "a", 0, b""), ('S', "", 0, b""), ('W', "a", 0, &new)];
        let left = &disk(&journal, Loss::Eighths(4))["a"];
        let sectors: Vec<&[u8]> = left.chunks(SECTOR).collect();
        let whole =
            |value: u8| sectors.iter().filter(|one| one.iter().all(|b| *b == value)).count();
        assert_eq!(whole(0) + whole(2), sectors.len(), "none is torn");
        assert!(whole(2) > 0 && whole(2) < 64, "some are lost");
    }
}
