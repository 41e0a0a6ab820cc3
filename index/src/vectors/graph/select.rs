//! Which of many near nodes become neighbours: those that are nearer to the node than to any
//! neighbour chosen before, so that neighbours lie in all directions (algorithm 4 of the paper).
//!
//! **Invariant:** the choice depends on the candidates and their order alone.

use super::candidate::Candidate;
use super::layer::Layer;
use crate::image::ImageError;
use crate::vectors::entries::Entries;
use crate::vectors::kernels::GROUP;
use crate::vectors::quantize::{Form, similarity};

/// A node that was chosen, and its entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen {
    pub(super) node: u32,
    pub(super) entry: u32,
}

/// Chooses up to `at_most` of `candidates`, which are sorted.
pub(super) fn choose(
    entries: &Entries,
    layer: &Layer,
    candidates: &[Candidate],
    at_most: usize,
) -> Result<Vec<Chosen>, ImageError> {
    let mut chosen: Vec<Chosen> = Vec::with_capacity(at_most);
    let mut codes: Vec<(&[u8], Form)> = Vec::with_capacity(at_most);
    for candidate in candidates {
        if chosen.len() == at_most {
            break;
        }
        let Some(entry) = layer.entry(candidate.node())? else { continue };
        let (code, form) = (entries.code(entry)?, entries.form(entry)?);
        if !is_nearer_to_one(entries, code, form, &codes, candidate.similarity()) {
            chosen.push(Chosen { node: candidate.node(), entry });
            codes.push((code, form));
        }
    }
    Ok(chosen)
}

/// Is a code nearer than `bar` to one of `others`?
fn is_nearer_to_one(
    entries: &Entries,
    code: &[u8],
    form: Form,
    others: &[(&[u8], Form)],
    bar: f32,
) -> bool {
    let shape = entries.shape;
    others.chunks(GROUP).any(|group| {
        let at = |at: usize| group[at.min(group.len() - 1)];
        let dots = shape.kernel.group(code, std::array::from_fn(|row| at(row).0));
        dots.iter()
            .zip(group)
            .any(|(&dot, &(_, other))| similarity(shape.metric, dot, form, other) > bar)
    })
}

/// The candidates of nodes as `node` sees them, sorted. Nodes that are not there are left out.
pub(super) fn candidates_of(
    entries: &Entries,
    layer: &Layer,
    entry: u32,
    nodes: &[u32],
) -> Result<Vec<Candidate>, ImageError> {
    let (code, form) = (entries.code(entry)?, entries.form(entry)?);
    let shape = entries.shape;
    let mut candidates = Vec::with_capacity(nodes.len());
    for group in nodes.chunks(GROUP) {
        let mut rows = [code; GROUP];
        let mut forms = [None; GROUP];
        for ((row, slot), &node) in rows.iter_mut().zip(&mut forms).zip(group) {
            if let Some(entry) = layer.entry(node)?.filter(|&e| (e as usize) < entries.len()) {
                (*row, *slot) = (entries.code(entry)?, Some(entries.form(entry)?));
            }
        }
        let dots = shape.kernel.group(code, rows);
        for ((&node, other), dot) in group.iter().zip(forms).zip(dots) {
            if let Some(other) = other {
                candidates.push(Candidate::new(similarity(shape.metric, dot, form, other), node));
            }
        }
    }
    candidates.sort_unstable();
    Ok(candidates)
}
