//! Writing the images of all indexes, so that opening has little to fold.
//!
//! **Invariant:** images are written from a version, beside the running indexes, and become those
//! of the file in one durable commit; until then nothing names them, and a crash leaves the old
//! ones in force.

use super::image::{ImageRow, Place};
use super::{
    AttributeIndex, KnowledgeIndex, KnowledgeView, Names, SpaceIndex, Versions, store_text,
};
use crate::Result;
use crate::file::Container;
use crate::ids::Seq;
use serde_json::json;
use std::collections::BTreeMap;

/// Ordinals below which it never pays to number anew.
const MIN_ORDINALS: u64 = 4_096;

/// Images that are stored but not yet named.
#[derive(Default)]
pub(crate) struct Checkpoint {
    pub(crate) images: BTreeMap<String, ImageRow>,
    /// Those of them that the file names already.
    pub(crate) kept: Vec<Place>,
}

/// Stores the image that a closure makes under a name.
pub(super) type Store<'a> =
    dyn FnMut(String, Since, &dyn Fn() -> Result<Vec<u8>>) -> Result<bool> + 'a;

/// What has happened to an index since the image was written that the file names, if it names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    Changed,
    Unchanged,
}

impl Since {
    fn was(is_image: bool) -> Self {
        if is_image { Since::Unchanged } else { Since::Changed }
    }
}

impl Versions {
    /// Are more than half of the ordinals those of memories, or of nodes, that are gone?
    pub(crate) fn is_mostly_dead(&self) -> bool {
        [&self.attributes, &self.knowledge.nodes].iter().any(|attributes| {
            let all = u64::from(attributes.next_ordinal());
            all > MIN_ORDINALS && attributes.live_len() < all / 2
        })
    }

    /// Stores an image of every index, the small ones in their rows; of one that has not changed since, and is
    /// among `named`, the images of the file, that one stays. `watermark` is the commit that this is the version of.
    /// `None`, with nothing stored, if `goes_on` says no between two images.
    pub(crate) fn store_images(
        &self,
        watermark: Seq,
        named: &BTreeMap<String, ImageRow>,
        container: &Container,
        max_inline: usize,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Checkpoint>> {
        let mut stored = Checkpoint::default();
        let mut store = |name: String, since: Since, image: &dyn Fn() -> Result<Vec<u8>>| {
            if !goes_on() {
                return Ok(false);
            }
            let is_same = |row: &&ImageRow| row.numbering == self.numbering;
            let known = named.get(&name).filter(is_same).filter(|_| since == Since::Unchanged);
            let place = match known {
                Some(row) => {
                    stored.kept.push(row.place.clone());
                    row.place.clone()
                }
                None => Place::write(container, image()?, max_inline)?,
            };
            let note = self.note();
            let row = ImageRow { numbering: self.numbering, watermark, note, place };
            stored.images.insert(name, row);
            Ok(true)
        };
        match self.store_all(&mut store) {
            Ok(true) => Ok(Some(stored)),
            Ok(false) => {
                stored.discard(container);
                Ok(None)
            }
            Err(e) => {
                stored.discard(container);
                Err(e)
            }
        }
    }

    /// Gives `store` every index, until it says that this is not wanted any more.
    fn store_all(&self, store: &mut Store<'_>) -> Result<bool> {
        let since = Since::was(self.attributes.is_image());
        let attributes = || Ok(self.attributes.write_image()?);
        if !store(AttributeIndex::NAME.into(), since, &attributes)?
            || !store_text(Names::MEMORIES, &self.text, self.next_text_tag, store)?
        {
            return Ok(false);
        }
        if !self.knowledge.is_untouched() {
            let KnowledgeView { nodes, words, next_tag, adjacency, .. } = &self.knowledge;
            if let Some(adjacency) = adjacency {
                let since = Since::was(adjacency.is_image());
                let edges = || Ok(adjacency.write_image()?);
                if !store(KnowledgeIndex::EDGES.into(), since, &edges)? {
                    return Ok(false);
                }
            }
            let since = Since::was(nodes.is_image());
            if !store(KnowledgeIndex::NODES.into(), since, &|| Ok(nodes.write_image()?))?
                || !store_text(Names::NODES, words, *next_tag, store)?
            {
                return Ok(false);
            }
            for (id, vectors) in self.knowledge.spaces_in_use() {
                let since = Since::was(vectors.is_image());
                let image = || Ok(vectors.write_image()?);
                if !store(SpaceIndex::name_of_nodes(id), since, &image)? {
                    return Ok(false);
                }
            }
        }
        for (id, vectors) in self.vectors.iter() {
            let since = Since::was(vectors.is_image());
            let image = || Ok(vectors.write_image()?);
            if !store(SpaceIndex::name_of(*id), since, &image)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What the images say beside their bytes: which spaces there are, which metadata paths have
    /// labels, how words are found, whether there is a graph, and in which spaces its nodes have vectors.
    fn note(&self) -> String {
        let spaces: Vec<u32> = self.vectors.keys().map(|id| id.0).collect();
        let metadata: BTreeMap<&str, u8> =
            self.catalog.indexes().map(|i| (i.path.as_str(), i.field)).collect();
        let graph = !self.knowledge.is_untouched();
        let text = self.catalog.text().to_json();
        let of_nodes: Vec<u32> = self.knowledge.spaces_in_use().map(|(id, _)| id.0).collect();
        json!({
            "spaces": spaces,
            "metadata": metadata,
            "text": text,
            "graph": graph,
            "spaces_of_nodes": of_nodes,
        })
        .to_string()
    }
}

impl Checkpoint {
    /// How large the new images are, together.
    pub(crate) fn len_bytes(&self) -> u64 {
        let new = self.images.values().filter(|row| !self.kept.contains(&row.place));
        new.map(|row| row.place.len_bytes()).sum()
    }

    /// Gives the space of images that no row will name back.
    pub(crate) fn discard(self, container: &Container) {
        for row in self.images.values().filter(|row| !self.kept.contains(&row.place)) {
            row.place.release(container);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewEdge, NewMemory, NewNode, Options};

    #[test]
    fn what_has_not_changed_since_its_image_is_not_written_again() -> Result<()> {
        let db = Options::new().in_memory()?;
        let graph = db.graph("default");
        // The names of images that a checkpoint now would write.
        let written = || {
            let (view, container) = (db.read()?, db.core.committer.container());
            let named = ImageRow::load_all(&*view.rows()?)?;
            let versions = view.versions();
            let stored = versions.store_images(view.seq(), &named, container, 1, &mut || true)?;
            let stored = stored.expect("it goes on");
            let is_new = |row: &ImageRow| !stored.kept.contains(&row.place);
            let new = stored.images.iter().filter(|(_, row)| is_new(row));
            let new = new.map(|(name, _)| name.clone()).filter(|name| !name.contains("text"));
            let new: Vec<String> = new.collect();
            stored.discard(container);
            Ok::<_, crate::Error>(new)
        };
        let (memories, nodes) = (AttributeIndex::NAME, KnowledgeIndex::NODES);
        let edges = KnowledgeIndex::EDGES;

        db.remember(NewMemory::new("a"))?;
        graph.upsert_nodes(vec![NewNode::new("x"), NewNode::new("y")])?;
        assert_eq!(written()?, [memories, edges, nodes]);
        db.checkpoint()?;
        assert_eq!(written()?, [""; 0]);
        graph.upsert_edge(NewEdge::new("x", "knows", "y"))?;
        assert_eq!(written()?, [edges]);
        db.checkpoint()?;
        db.remember(NewMemory::new("b"))?;
        assert_eq!(written()?, [memories]);
        db.checkpoint()?;
        graph.upsert_node(NewNode::new("z"))?;
        assert_eq!(written()?, [edges, nodes]);

        let [of_nodes, of_memories] = ["graph/vectors/1", "vectors/1"];
        graph.upsert_node(NewNode::new("z").vector([1.0, 0.0]))?;
        assert_eq!(written()?, [edges, nodes, of_nodes, of_memories]);
        db.checkpoint()?;
        assert_eq!(written()?, [""; 0]);
        db.remember(NewMemory::new("c").vector([1.0, 0.0]))?;
        assert_eq!(written()?, [memories, of_memories]);
        db.checkpoint()?;
        graph.upsert_node(NewNode::new("z").vector([0.0, 1.0]))?;
        assert_eq!(written()?, [nodes, of_nodes]);
        Ok(())
    }
}
