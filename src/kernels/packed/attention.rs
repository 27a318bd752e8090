//! Multi-head self-attention between the tokens of packed images.

use super::{PACK, Packed, ZERO, exp};

/// Softmax attention that keeps its weights for the gradient.
#[derive(Clone, Debug, Default)]
pub struct Attention {
    /// Number of heads.
    heads: usize,
    /// Attention weights of the last tokens, `[heads, queries, keys]`.
    weights: Vec<Packed>,
}

/// Part of a token's queries, keys and values, `[3 · embed]`, that belongs to one head.
#[derive(Clone, Copy)]
struct Head {
    first: usize,
    size: usize,
    embed: usize,
}

impl Head {
    fn query<'a>(&self, token: &'a [Packed]) -> &'a [Packed] {
        &token[self.first..self.first + self.size]
    }

    fn key<'a>(&self, token: &'a [Packed]) -> &'a [Packed] {
        &token[self.embed + self.first..][..self.size]
    }

    fn value<'a>(&self, token: &'a [Packed]) -> &'a [Packed] {
        &token[2 * self.embed + self.first..][..self.size]
    }

    /// Factor of the scores, 1 / √size.
    fn scale(&self) -> f32 {
        1.0 / (self.size as f32).sqrt()
    }
}

impl Attention {
    pub fn new(heads: usize) -> Self {
        Self {
            heads,
            weights: Vec::new(),
        }
    }

    fn heads(&self, embed: usize) -> impl Iterator<Item = Head> + use<> {
        let size = embed / self.heads;
        (0..self.heads).map(move |head| Head {
            first: head * size,
            size,
            embed,
        })
    }

    /// Writes the attention over `qkv`, `[tokens, 3 · embed]`, to `output`, `[tokens, embed]`.
    pub fn forward(&mut self, qkv: &[Packed], embed: usize, output: &mut [Packed]) {
        let tokens = output.len() / embed;
        let row = 3 * embed;
        self.weights.resize(self.heads * tokens * tokens, ZERO);
        output.fill(ZERO);
        let heads = self.heads(embed);
        let maps = self.weights.chunks_exact_mut(tokens * tokens);
        for (head, map) in heads.zip(maps) {
            let scale = head.scale();
            let queries = qkv.chunks_exact(row).zip(output.chunks_exact_mut(embed));
            for ((token, output), weights) in queries.zip(map.chunks_exact_mut(tokens)) {
                let query = head.query(token);
                let mut maximum = [f32::NEG_INFINITY; PACK];
                for (weight, token) in weights.iter_mut().zip(qkv.chunks_exact(row)) {
                    let mut score = ZERO;
                    let key = head.key(token);
                    for index in 0..head.size {
                        add_product(&mut score, &query[index], &key[index]);
                    }
                    for slot in 0..PACK {
                        let x = score[slot] * scale;
                        weight[slot] = x;
                        maximum[slot] = if x > maximum[slot] { x } else { maximum[slot] };
                    }
                }
                let mut total = ZERO;
                for weight in weights.iter_mut() {
                    for slot in 0..PACK {
                        weight[slot] -= maximum[slot];
                    }
                    *weight = exp(*weight);
                    for slot in 0..PACK {
                        total[slot] += weight[slot];
                    }
                }
                let mut factor = ZERO;
                for slot in 0..PACK {
                    factor[slot] = 1.0 / total[slot];
                }
                let output = &mut output[head.first..head.first + head.size];
                for (weight, token) in weights.iter_mut().zip(qkv.chunks_exact(row)) {
                    for slot in 0..PACK {
                        weight[slot] *= factor[slot];
                    }
                    let value = head.value(token);
                    for index in 0..head.size {
                        add_product(&mut output[index], weight, &value[index]);
                    }
                }
            }
        }
    }

    /// Writes the gradient of the last `qkv`, `[tokens, 3 · embed]`, to `qkv_gradient`, given that of
    /// the output.
    pub fn backward(
        &self,
        qkv: &[Packed],
        embed: usize,
        output_gradient: &[Packed],
        qkv_gradient: &mut [Packed],
    ) {
        let tokens = output_gradient.len() / embed;
        let row = 3 * embed;
        qkv_gradient.fill(ZERO);
        let mut score_gradients = vec![ZERO; tokens];
        let maps = self.weights.chunks_exact(tokens * tokens);
        for (head, map) in self.heads(embed).zip(maps) {
            let scale = head.scale();
            for (query_token, weights) in map.chunks_exact(tokens).enumerate() {
                let output_gradient =
                    &output_gradient[query_token * embed + head.first..][..head.size];
                // Gradient of the weights; the softmax subtracts their weighted mean.
                let mut mean = ZERO;
                let keys = qkv
                    .chunks_exact(row)
                    .zip(qkv_gradient.chunks_exact_mut(row));
                for ((gradient, weight), (token, token_gradient)) in
                    score_gradients.iter_mut().zip(weights).zip(keys)
                {
                    let mut product = ZERO;
                    let value = head.value(token);
                    for index in 0..head.size {
                        add_product(&mut product, &output_gradient[index], &value[index]);
                    }
                    add_product(&mut mean, &product, weight);
                    *gradient = product;
                    let value_gradient = &mut token_gradient[2 * embed + head.first..][..head.size];
                    for index in 0..head.size {
                        add_product(&mut value_gradient[index], weight, &output_gradient[index]);
                    }
                }
                for (gradient, weight) in score_gradients.iter_mut().zip(weights) {
                    for slot in 0..PACK {
                        gradient[slot] = (gradient[slot] - mean[slot]) * weight[slot] * scale;
                    }
                }
                let query = head.query(&qkv[query_token * row..]);
                let query_start = query_token * row + head.first;
                for (key_token, gradient) in score_gradients.iter().enumerate() {
                    let key = head.key(&qkv[key_token * row..]);
                    let key_start = key_token * row + embed + head.first;
                    for index in 0..head.size {
                        add_product(
                            &mut qkv_gradient[query_start + index],
                            gradient,
                            &key[index],
                        );
                        add_product(
                            &mut qkv_gradient[key_start + index],
                            gradient,
                            &query[index],
                        );
                    }
                }
            }
        }
    }
}

/// `to += a · b`
#[inline]
fn add_product(to: &mut Packed, a: &Packed, b: &Packed) {
    for slot in 0..PACK {
        to[slot] += a[slot] * b[slot];
    }
}
