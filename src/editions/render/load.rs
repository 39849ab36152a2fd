//! Finding templates, and finding out what is wrong with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    io,
    path::{Path, PathBuf},
};

use minijinja::{
    AutoEscape, Environment, Output, State, UndefinedBehavior, escape_formatter, value::Value,
};

use super::{ROLES, RenderError, SHIPPED, STYLE, Templates, filter, mail, sample::Sample};
use crate::editions::escape::Escaped;

/// Work that one rendering may cost; a digest of 300 articles takes a tenth.
const FUEL: u64 = 2_000_000;

/// What is wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", file.display())]
pub struct TemplateProblem {
    pub file: PathBuf,
    /// Names the line where there is one.
    pub message: String,
}

impl Templates {
    /// Compiles and tries every template; a file in `overrides` wins over the shipped one of the
    /// same name.
    pub fn load(overrides: Option<&Path>) -> Result<Self, Vec<TemplateProblem>> {
        let mut problems = Vec::new();
        let mut sources: BTreeMap<String, (PathBuf, String)> = SHIPPED
            .iter()
            .map(|(name, text)| {
                (
                    (*name).to_owned(),
                    (PathBuf::from(name), (*text).to_owned()),
                )
            })
            .collect();
        if let Some(folder) = overrides {
            for area in ["mail", "web"] {
                read(folder, &folder.join(area), &mut sources, &mut problems);
            }
        }

        let mut environment = environment();
        let style = sources
            .remove(STYLE)
            .map(|(_, text)| text)
            .unwrap_or_default();
        let files: BTreeMap<String, PathBuf> = sources
            .iter()
            .map(|(name, (file, _))| (name.clone(), file.clone()))
            .collect();
        for (name, (file, text)) in sources {
            if let Err(err) = environment.add_template_owned(name, text) {
                problems.push(problem(&files, file, &err));
            }
        }
        let templates = Templates { environment, style };
        if problems.is_empty() {
            templates.try_all(&files, &mut problems);
        }
        if problems.is_empty() {
            Ok(templates)
        } else {
            Err(problems)
        }
    }

    /// Renders every mail and page with sample values.
    fn try_all(&self, files: &BTreeMap<String, PathBuf>, problems: &mut Vec<TemplateProblem>) {
        let mut check = |template: &str, result: Result<(), RenderError>| {
            let file = files
                .get(template)
                .cloned()
                .unwrap_or_else(|| template.into());
            match result {
                Ok(()) => {}
                Err(RenderError::Template { source, .. }) => {
                    problems.push(problem(files, file, &source));
                }
                Err(err @ RenderError::TooLarge { .. }) => problems.push(TemplateProblem {
                    file,
                    message: err.to_string(),
                }),
            }
        };
        let folders: BTreeSet<&str> = files
            .keys()
            .filter_map(|name| name.strip_prefix("mail/")?.rsplit_once('/'))
            .filter(|(_, role)| ROLES.contains(role))
            .map(|(folder, _)| folder)
            .collect();
        let sample = Sample::new();
        for folder in folders {
            for result in sample.mails(self, folder) {
                let template = match &result {
                    Err(RenderError::Template { template, .. }) => template.clone(),
                    _ => mail(folder, "body.html"),
                };
                check(&template, result.map(drop));
            }
        }
        sample.pages(|page| {
            check(page.template(), self.page(&sample.site, page).map(drop));
        });
        problems.dedup();
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(format);
    environment.add_filter("date", filter::date);
    environment.add_filter("clip", |text: &str, n: usize| filter::clip(text, n));
    environment.add_filter("wrap", filter::wrap);
    environment
}

/// Writes values into HTML through [`Escaped`] in place of the engine's own escape.
fn format(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    match (state.auto_escape(), value.as_str()) {
        (AutoEscape::Html, Some(text)) if !value.is_safe() => Ok(write!(out, "{}", Escaped(text))?),
        _ => escape_formatter(out, state, value),
    }
}

/// Reads every template below `folder`, whose names start at `root`.
fn read(
    root: &Path,
    folder: &Path,
    sources: &mut BTreeMap<String, (PathBuf, String)>,
    problems: &mut Vec<TemplateProblem>,
) {
    let mut note = |file: &Path, err: io::Error| {
        problems.push(TemplateProblem {
            file: file.to_owned(),
            message: format!("cannot be read: {err}"),
        });
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(err) if err.kind() == io::ErrorKind::NotFound && root.is_dir() => return,
        Err(err) => return note(folder, err),
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    for path in paths {
        let name = path.strip_prefix(root).unwrap_or(&path);
        let name = name
            .to_string_lossy()
            .replace(std::path::MAIN_SEPARATOR, "/");
        if path.is_dir() {
            read(root, &path, sources, problems);
        } else if name.ends_with(".html") || name.ends_with(".txt") || name == STYLE {
            match std::fs::read_to_string(&path) {
                Ok(text) => drop(sources.insert(name, (path, text))),
                Err(err) => problems.push(TemplateProblem {
                    message: format!("cannot be read: {err}"),
                    file: path,
                }),
            }
        }
    }
}

/// An error of the engine as an operator needs it: which of their files, which line, what.
///
/// The error that matters lies innermost: a page fails because the base that it extends does.
fn problem(
    files: &BTreeMap<String, PathBuf>,
    file: PathBuf,
    err: &minijinja::Error,
) -> TemplateProblem {
    let mut inner = err;
    while let Some(cause) = inner.source().and_then(|cause| cause.downcast_ref()) {
        inner = cause;
    }
    let file = inner
        .name()
        .and_then(|name| files.get(name))
        .cloned()
        .unwrap_or(file);
    let line = inner
        .line()
        .map(|line| format!("line {line}: "))
        .unwrap_or_default();
    let detail = inner
        .detail()
        .map(|detail| format!(": {detail}"))
        .unwrap_or_default();
    TemplateProblem {
        file,
        message: format!("{line}{}{detail}", inner.kind()),
    }
}
