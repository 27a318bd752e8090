//! Attention between the tokens of images that lie abreast.

use super::{CHUNK, Wide, ZERO, exp};

/// Remembers of the tokens it has seen how much each listens to each.
#[derive(Clone, Debug, Default)]
pub struct Attention {
    /// Number of heads.
    heads: usize,
    /// Softmax of the scores, `[heads, tokens, tokens]`.
    shares: Vec<Wide>,
}

/// Where a head's queries, keys and values stand in a token's row `[3 · embed]`.
#[derive(Clone, Copy)]
struct Head {
    first: usize,
    width: usize,
    embed: usize,
}

impl Head {
    fn query<'a>(&self, token: &'a [Wide]) -> &'a [Wide] {
        &token[self.first..self.first + self.width]
    }

    fn key<'a>(&self, token: &'a [Wide]) -> &'a [Wide] {
        &token[self.embed + self.first..][..self.width]
    }

    fn value<'a>(&self, token: &'a [Wide]) -> &'a [Wide] {
        &token[2 * self.embed + self.first..][..self.width]
    }
}

impl Attention {
    pub fn new(heads: usize) -> Self {
        Self {
            heads,
            shares: Vec::new(),
        }
    }

    fn heads(&self, embed: usize) -> impl Iterator<Item = Head> + use<> {
        let width = embed / self.heads;
        (0..self.heads).map(move |head| Head {
            first: head * width,
            width,
            embed,
        })
    }

    /// From queries, keys and values, `[tokens, 3 · embed]`, to `to`, `[tokens, embed]`.
    pub fn forward(&mut self, asked: &[Wide], embed: usize, to: &mut [Wide]) {
        let tokens = to.len() / embed;
        let row = 3 * embed;
        self.shares.resize(self.heads * tokens * tokens, ZERO);
        to.fill(ZERO);
        let heads = self.heads(embed);
        let maps = self.shares.chunks_exact_mut(tokens * tokens);
        for (head, map) in heads.zip(maps) {
            let scale = 1.0 / (head.width as f32).sqrt();
            let queries = asked.chunks_exact(row).zip(to.chunks_exact_mut(embed));
            for ((asking, to), shares) in queries.zip(map.chunks_exact_mut(tokens)) {
                let query = head.query(asking);
                let mut largest = [f32::NEG_INFINITY; CHUNK];
                for (share, token) in shares.iter_mut().zip(asked.chunks_exact(row)) {
                    let mut score = ZERO;
                    let key = head.key(token);
                    for value in 0..head.width {
                        add_product(&mut score, &query[value], &key[value]);
                    }
                    for lane in 0..CHUNK {
                        let x = score[lane] * scale;
                        share[lane] = x;
                        largest[lane] = if x > largest[lane] { x } else { largest[lane] };
                    }
                }
                let mut total = ZERO;
                for share in shares.iter_mut() {
                    for lane in 0..CHUNK {
                        share[lane] -= largest[lane];
                    }
                    *share = exp(*share);
                    for lane in 0..CHUNK {
                        total[lane] += share[lane];
                    }
                }
                let mut factor = ZERO;
                for lane in 0..CHUNK {
                    factor[lane] = 1.0 / total[lane];
                }
                let to = &mut to[head.first..head.first + head.width];
                for (share, token) in shares.iter_mut().zip(asked.chunks_exact(row)) {
                    for lane in 0..CHUNK {
                        share[lane] *= factor[lane];
                    }
                    let answer = head.value(token);
                    for value in 0..head.width {
                        add_product(&mut to[value], share, &answer[value]);
                    }
                }
            }
        }
    }

    /// The gradient of the queries, keys and values seen last, `[tokens, 3 · embed]`, into `to`.
    pub fn backward(&self, asked: &[Wide], embed: usize, gradient: &[Wide], to: &mut [Wide]) {
        let tokens = gradient.len() / embed;
        let row = 3 * embed;
        to.fill(ZERO);
        let mut slopes = vec![ZERO; tokens];
        let maps = self.shares.chunks_exact(tokens * tokens);
        for (head, map) in self.heads(embed).zip(maps) {
            let scale = 1.0 / (head.width as f32).sqrt();
            for (asking, shares) in map.chunks_exact(tokens).enumerate() {
                let gradient = &gradient[asking * embed + head.first..][..head.width];
                // What the loss makes of each share; their weighted mean has no effect.
                let mut mean = ZERO;
                let seen = asked.chunks_exact(row).zip(to.chunks_exact_mut(row));
                for ((slope, share), (token, to)) in slopes.iter_mut().zip(shares).zip(seen) {
                    let mut found = ZERO;
                    let answer = head.value(token);
                    for value in 0..head.width {
                        add_product(&mut found, &gradient[value], &answer[value]);
                    }
                    add_product(&mut mean, &found, share);
                    *slope = found;
                    let to = &mut to[2 * embed + head.first..][..head.width];
                    for value in 0..head.width {
                        add_product(&mut to[value], share, &gradient[value]);
                    }
                }
                for (slope, share) in slopes.iter_mut().zip(shares) {
                    for lane in 0..CHUNK {
                        slope[lane] = (slope[lane] - mean[lane]) * share[lane] * scale;
                    }
                }
                let query = head.query(&asked[asking * row..]);
                let to_query = asking * row + head.first;
                for (seen, slope) in slopes.iter().enumerate() {
                    let key = head.key(&asked[seen * row..]);
                    let to_key = seen * row + embed + head.first;
                    for value in 0..head.width {
                        add_product(&mut to[to_query + value], slope, &key[value]);
                        add_product(&mut to[to_key + value], slope, &query[value]);
                    }
                }
            }
        }
    }
}

#[inline]
fn add_product(to: &mut Wide, a: &Wide, b: &Wide) {
    for lane in 0..CHUNK {
        to[lane] += a[lane] * b[lane];
    }
}
