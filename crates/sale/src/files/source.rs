//! What one reading works with: the file's name, where paths begin, the bounds and the problems so far.
//! Only the command line may name further files: over HTTP there is no folder to begin from.

use super::FileLimits;
use super::codes::SeenCodes;
use super::fields::Field;
use super::problem::{HIDDEN, Place, Problems, Reason};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One reading of an activity file.
pub(super) struct Reading<'l> {
    /// The name of the activity file, or what the bytes were.
    pub(super) file: Arc<str>,
    /// The folder that paths are relative to; `None`: paths are refused.
    pub(super) folder: Option<PathBuf>,
    pub(super) limits: &'l FileLimits,
    pub(super) problems: Problems,
    /// All codes of the file so far.
    pub(super) codes: SeenCodes,
}

/// A further file named by an activity file.
pub(super) struct NamedFile {
    pub(super) name: Arc<str>,
    pub(super) bytes: Vec<u8>,
}

impl<'l> Reading<'l> {
    /// Nothing read yet.
    pub(super) fn new(file: &str, folder: Option<PathBuf>, limits: &'l FileLimits) -> Self {
        let problems = Problems::new(limits.problems_max);
        Self { file: file.into(), folder, limits, problems, codes: SeenCodes::default() }
    }

    /// The file that a path in a field names. The path is not shown where none was to be expected:
    /// it may be a code that was written without its list.
    pub(super) fn named_file(&mut self, field: &Field<'_>, path: &str) -> Option<NamedFile> {
        let Some(folder) = &self.folder else {
            self.problems.add(field.place.clone(), HIDDEN, Reason::PathNotAllowed);
            return None;
        };
        let path = folder.join(path);
        match read_file(&path, self.limits) {
            Ok(bytes) => Some(NamedFile { name: path.display().to_string().into(), bytes }),
            Err(reason) => field.refuse(reason, &mut self.problems),
        }
    }

    /// A problem of the activity file as a whole, or of one of its lines.
    pub(super) fn refuse_line(&mut self, line: Option<u32>, reason: Reason) {
        let place = Place { file: Arc::clone(&self.file), line, key: String::new() };
        self.problems.add(place, "", reason);
    }
}

/// The bytes of a file within its bound, which holds even for a file that grows meanwhile.
pub(super) fn read_file(path: &Path, limits: &FileLimits) -> Result<Vec<u8>, Reason> {
    let bytes_max = limits.file_bytes_max;
    let file = File::open(path).map_err(|error| Reason::Unreadable(error.kind()))?;
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Reason::Unreadable(error.kind()))?;
    within(&bytes, limits).map(|()| bytes)
}

/// Whether so many bytes are allowed.
pub(super) fn within(bytes: &[u8], limits: &FileLimits) -> Result<(), Reason> {
    let bytes_max = limits.file_bytes_max;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length > bytes_max { Err(Reason::FileTooLarge { bytes_max }) } else { Ok(()) }
}
