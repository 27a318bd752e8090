//! Imports the weights of the authors' PyTorch modules.
//!
//! The file is a state dict of a CRE, converted to safetensors. The authors' names and ours:
//!
//! | authors | CRE Lab |
//! |---|---|
//! | `encoder.linear_1`, `decoder.linear_1`, `classifier.linear_1`, … (FC) | `encoder.layers.0`, … |
//! | `encoder.conv_1`, `encoder.bn_1`, `classifier.conv_1`, … (CNN) | `encoder.blocks.0.conv`, `encoder.blocks.0.norm`, … |
//! | `decoder.conv_t_1`, … | `decoder.layers.0`, … |
//! | the classifier's last `linear_2` or `linear_3` | `classifier.output` |
//! | `encoder.patch_embed.proj`, `encoder.cls_token` (transformer) | `encoder.patches`, `encoder.class_token` |
//! | `encoder.blocks.0`, `decoder.decoder_blocks.0`, … | `encoder.blocks.0`, `decoder.blocks.0`, … |
//! | of a block `attn.qkv`, `attn.proj`, `mlp.fc1`, `mlp.fc2` | `attention.qkv`, `attention.output`, `inner`, `outer` |
//! | `decoder.decoder_embed`, `decoder.decoder_norm`, `decoder.decoder_pred` | `decoder.input`, `decoder.norm`, `decoder.output` |
//! | `classifier.bn_1`, `classifier.linear_1` (transformer) | `classifier.norm`, `classifier.output` |
//!
//! `module.`, `model.` and `_orig_mod.`, which wrappers of a module add, are dropped. Positions
//! (`pos_embed`, `decoder_pos_embed`), which are constant, and batch counters
//! (`num_batches_tracked`) are left out.

use std::{collections::BTreeMap, path::Path};

use super::{
    AdamState, Checkpoint, CheckpointError,
    arrays::{self, Array, NamedArrays, TensorFile},
    metadata::{DatasetMetadata, ExactF64, Metadata},
    names::ParameterSlot,
    validate::{check_fit_as, network_of, size},
};
use crate::{
    data::{DataSource, Dataset},
    model::{Architecture, LatentSize, VitOptions},
    train::{RunConfig, epoch_stats::EpochStats, history::History},
};

/// Largest network, in parameters, that is built to describe what an incomplete file lacks.
const MOST_COMPARED: usize = 1 << 22;

/// What a file of weights does not contain: data set and settings.
#[derive(Clone, Copy, Debug)]
pub struct ImportContext<'a> {
    /// The network follows from the weights; all other settings are taken from here.
    pub config: &'a RunConfig,
    pub source: &'a DataSource,
    pub dataset: &'a Dataset,
}

/// Reads the authors' weights as the start of a run with the settings of `context`.
///
/// # Errors
/// When the file cannot be read, or does not contain the authors' weights for such data.
pub fn load(file: &Path, context: ImportContext<'_>) -> Result<Checkpoint, CheckpointError> {
    open(file, |contents| {
        if is_checkpoint(&contents) {
            let reason = "is a checkpoint of CRE Lab: continue its run with --resume";
            return Err(reason.to_owned());
        }
        import(contents, context)
    })
}

/// Reads a checkpoint or the authors' weights.
///
/// # Errors
/// As for [`load`] and [`Checkpoint::load`].
pub fn load_any(file: &Path, context: ImportContext<'_>) -> Result<Checkpoint, CheckpointError> {
    open(file, |contents| {
        if is_checkpoint(&contents) {
            Checkpoint::from_contents(contents)
        } else {
            import(contents, context)
        }
    })
}

fn is_checkpoint(contents: &TensorFile) -> bool {
    contents.texts.contains_key("format") && contents.texts.contains_key("run")
}

fn open(
    file: &Path,
    take: impl FnOnce(TensorFile) -> Result<Checkpoint, String>,
) -> Result<Checkpoint, CheckpointError> {
    arrays::read(file)
        .and_then(|bytes| TensorFile::from_bytes(&bytes))
        .and_then(take)
        .map_err(|reason| CheckpointError::new(file, reason))
}

/// The start of a run with these weights.
fn import(contents: TensorFile, context: ImportContext<'_>) -> Result<Checkpoint, String> {
    let mut named = NamesInFile::new(&contents)?;
    let mut weights = NamedArrays::new();
    for (name, array) in single_precision(contents) {
        let Some(ours) = named.ours(&name) else {
            continue;
        };
        if weights.insert(ours.clone(), plain_token(array)).is_some() {
            return Err(format!("contains tensor “{}” twice", unwrapped(&name)));
        }
        named.known.insert(ours, name);
    }
    let data = DatasetMetadata::new(context.source, context.dataset);
    let config = config_for(&weights, context.config, &data, &named)?;
    let steps_per_epoch = (data.train_images / config.batch_size.max(1)).max(1);
    let history = History::new(steps_per_epoch as u64);
    Ok(Checkpoint {
        metadata: Metadata {
            program: "weights of the authors' modules".to_owned(),
            lambda: ExactF64(config.lambda.value()),
            learning_rate: ExactF64(config.learning_rate),
            config,
            data,
            step: 0,
            epoch: EpochStats::default(),
            history: history.metadata(),
            best: None,
        },
        history,
        weights,
        adam: AdamState::default(),
        best: None,
    })
}

/// All tensors in single precision.
fn single_precision(contents: TensorFile) -> NamedArrays {
    let doubles = contents.doubles.into_iter();
    let narrowed = doubles.map(|(name, Array { shape, values })| {
        let values = values.into_iter().map(|value| value as f32).collect();
        (name, Array { shape, values })
    });
    contents.arrays.into_iter().chain(narrowed).collect()
}

/// The settings of the network that these weights fit. The error compares them with the nearest one.
fn config_for(
    weights: &NamedArrays,
    base: &RunConfig,
    data: &DatasetMetadata,
    named: &NamesInFile,
) -> Result<RunConfig, String> {
    let biases = (0..).map_while(|layer| weights.get(&format!("encoder.layers.{layer}.bias")));
    let latent = biases
        .last()
        .and_then(|bias| LatentSize::new(bias.values.len()).ok());
    let latent = latent.unwrap_or(base.latent);
    let vit = transformer_sizes(weights, base.vit);
    let held = size(weights);
    // An incomplete file may still be compared with a network that is not much larger.
    let most = held.max(MOST_COMPARED.min(held.saturating_mul(8)));
    let mut nearest: Option<(usize, String)> = None;
    for &architecture in named.family.architectures() {
        let config = RunConfig {
            architecture,
            latent,
            vit,
            ..base.clone()
        };
        let (matching, reason) = match network_of(&config, data, weights, most) {
            Ok(slots) => match check_fit_as(weights, &slots, &|ours| named.in_file(ours)) {
                Ok(()) => return Ok(config),
                Err(reason) => (count_matching(weights, &slots), reason),
            },
            Err(reason) => (0, reason),
        };
        if nearest.as_ref().is_none_or(|(most, _)| matching > *most) {
            nearest = Some((
                matching,
                format!("compared with {architecture}, it {reason}"),
            ));
        }
    }
    Err(format!(
        "does not contain the authors' weights of a network for {} images of {} classes: {}",
        data.shape(),
        data.classes.len(),
        nearest.map_or(String::new(), |(_, reason)| reason)
    ))
}

/// Number of tensors with the name and shape of a parameter.
fn count_matching(weights: &NamedArrays, slots: &[ParameterSlot]) -> usize {
    let fits = |slot: &&ParameterSlot| {
        let array = weights.get(&slot.name);
        array.is_some_and(|array| array.shape == slot.shape())
    };
    slots.iter().filter(fits).count()
}

/// The sizes that follow from the shapes of a transformer's weights; the number of heads and the
/// mask ratio do not.
fn transformer_sizes(weights: &NamedArrays, base: VitOptions) -> VitOptions {
    let shape = |name: &str| weights.get(name).map(|array| array.shape.as_slice());
    let inner = |block: usize| shape(&format!("encoder.blocks.{block}.inner.bias"));
    let patches = shape("encoder.patches.weight");
    let (Some([embed, _, patch, _]), Some([width])) = (patches, inner(0)) else {
        return base;
    };
    let is_block = |block: &usize| inner(*block).is_some();
    VitOptions {
        patch: Some(*patch),
        embed: *embed,
        depth: (0..=*VitOptions::DEPTHS.end()).take_while(is_block).count(),
        mlp_ratio: width / embed.max(&1),
        ..base
    }
}

/// The family of a network, by its parameter names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Fc,
    Cnn,
    Vit,
}

impl Family {
    fn architectures(self) -> &'static [Architecture] {
        match self {
            Self::Fc => &[
                Architecture::FcSmall,
                Architecture::FcMedium,
                Architecture::FcLarge,
            ],
            Self::Cnn => &[Architecture::CnnSmall, Architecture::CnnLarge],
            Self::Vit => &[Architecture::Vit],
        }
    }
}

/// Wrappers of a module, such as `DataParallel`, add these parts to the names of its parameters.
const WRAPPERS: [&str; 3] = ["module", "model", "_orig_mod"];

/// `name` without the parts that wrappers have added.
fn unwrapped(name: &str) -> String {
    let parts = name.split('.').filter(|part| !WRAPPERS.contains(part));
    parts.collect::<Vec<_>>().join(".")
}

/// The names of a file.
#[derive(Debug)]
struct NamesInFile {
    family: Family,
    /// What wrappers have put before every name.
    prefix: String,
    /// Names in the file by our names.
    known: BTreeMap<String, String>,
}

impl NamesInFile {
    /// # Errors
    /// When these are not the names of the authors' modules; the reason.
    fn new(contents: &TensorFile) -> Result<Self, String> {
        let names = || contents.arrays.keys().chain(contents.doubles.keys());
        let starts = [
            ("encoder.linear_", Family::Fc),
            ("encoder.conv_", Family::Cnn),
            ("encoder.patch_embed.", Family::Vit),
        ];
        let family_of = |name: &String| {
            let plain = unwrapped(name);
            let start = starts.iter().find(|(start, _)| plain.starts_with(start))?;
            let prefix = name.strip_suffix(&plain).unwrap_or_default().to_owned();
            Some(Self {
                family: start.1,
                prefix,
                known: BTreeMap::new(),
            })
        };
        names().find_map(family_of).ok_or_else(|| {
            let first = names().next().map_or("no tensor".to_owned(), |name| format!("“{name}”"));
            format!(
                "is neither a checkpoint of CRE Lab nor a CRE with the parameter names of the authors' modules, such as “encoder.linear_1.weight”: it contains {first}"
            )
        })
    }

    /// Our name of a tensor; `None` if we have no such parameter.
    fn ours(&self, in_file: &str) -> Option<String> {
        our_name(&unwrapped(in_file), self.family)
    }

    /// The name of our parameter in the file.
    fn in_file(&self, ours: &str) -> String {
        let expected = || format!("{}{}", self.prefix, authors_name(ours, self.family));
        self.known.get(ours).cloned().unwrap_or_else(expected)
    }
}

/// Our name of a parameter; `None` if we have no such parameter.
fn our_name(authors: &str, family: Family) -> Option<String> {
    let mut parts = authors.split('.');
    let (part, module) = (parts.next()?, parts.next()?);
    let rest: Vec<&str> = parts.collect();
    if rest.last() == Some(&"num_batches_tracked") || module.ends_with("pos_embed") {
        return None;
    }
    let numbered = |prefix: &str| -> Option<usize> {
        let number: usize = module.strip_prefix(prefix)?.parse().ok()?;
        number.checked_sub(1)
    };
    let module = if let Some(index) = numbered("conv_t_") {
        format!("layers.{index}")
    } else if let Some(index) = numbered("conv_") {
        format!("blocks.{index}.conv")
    } else if let Some(index) = numbered("linear_").filter(|_| family == Family::Fc) {
        format!("layers.{index}")
    } else if let Some(index) = numbered("bn_").filter(|_| family != Family::Vit) {
        format!("blocks.{index}.norm")
    } else {
        let ours = match module {
            _ if numbered("linear_").is_some() => "output",
            _ if numbered("bn_").is_some() => "norm",
            "patch_embed" => "patches",
            "cls_token" => "class_token",
            "decoder_embed" => "input",
            "decoder_pred" => "output",
            other => other.strip_prefix("decoder_").unwrap_or(other),
        };
        ours.to_owned()
    };
    let rest = rest.join(".");
    let rest = match module.as_str() {
        "patches" => rest.replace("proj.", ""),
        _ => rest
            .replace("attn.qkv", "attention.qkv")
            .replace("attn.proj", "attention.output")
            .replace("mlp.fc1", "inner")
            .replace("mlp.fc2", "outer"),
    };
    let end = if rest.is_empty() { "" } else { "." };
    Some(format!("{part}.{module}{end}{rest}"))
}

/// The authors' name of our parameter, the inverse of [`our_name`].
fn authors_name(ours: &str, family: Family) -> String {
    let parts: Vec<&str> = ours.split('.').collect();
    let index = |text: &str| text.parse::<usize>().map_or(0, |index| index + 1);
    match (family, &parts[..]) {
        (Family::Fc, [part, "layers", layer, rest]) => {
            format!("{part}.linear_{}.{rest}", index(layer))
        }
        (Family::Cnn, ["decoder", "layers", layer, rest]) => {
            format!("decoder.conv_t_{}.{rest}", index(layer))
        }
        (Family::Cnn, [part, "blocks", block, "conv", rest]) => {
            format!("{part}.conv_{}.{rest}", index(block))
        }
        (Family::Cnn, [part, "blocks", block, "norm", rest]) => {
            format!("{part}.bn_{}.{rest}", index(block))
        }
        (Family::Cnn, ["classifier", "output", rest]) => format!("classifier.linear_2.{rest}"),
        (Family::Vit, ["classifier", "output", rest]) => format!("classifier.linear_1.{rest}"),
        (Family::Vit, ["classifier", "norm", rest]) => format!("classifier.bn_1.{rest}"),
        (Family::Vit, ["encoder", "patches", rest]) => format!("encoder.patch_embed.proj.{rest}"),
        (Family::Vit, ["encoder", "class_token"]) => "encoder.cls_token".to_owned(),
        (Family::Vit, ["decoder", "input", rest]) => format!("decoder.decoder_embed.{rest}"),
        (Family::Vit, ["decoder", "norm", rest]) => format!("decoder.decoder_norm.{rest}"),
        (Family::Vit, ["decoder", "output", rest]) => format!("decoder.decoder_pred.{rest}"),
        (Family::Vit, [part, "blocks", rest @ ..]) => {
            let blocks = if *part == "decoder" {
                "decoder_blocks"
            } else {
                "blocks"
            };
            let rest = rest
                .join(".")
                .replace("attention.qkv", "attn.qkv")
                .replace("attention.output", "attn.proj")
                .replace("inner", "mlp.fc1")
                .replace("outer", "mlp.fc2");
            format!("{part}.{blocks}.{rest}")
        }
        _ => ours.to_owned(),
    }
}

/// The authors' tokens are `[1, 1, width]`, ours `[width]`.
fn plain_token(mut array: Array) -> Array {
    if let [1, 1, width] = array.shape[..] {
        array.shape = vec![width];
    }
    array
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{data::ImageShape, train::checkpoint::names};

    #[test]
    fn our_names_are_translated_to_those_of_the_authors_and_back() {
        for family in [Family::Fc, Family::Cnn, Family::Vit] {
            for network in family.architectures() {
                let spec = RunConfig::default().model_spec(ImageShape::GREY_28, 10);
                let model = network.build(&spec, 1, &Device::flex()).unwrap();
                for slot in names::slots(&model) {
                    let theirs = authors_name(&slot.name, family);
                    assert_eq!(our_name(&theirs, family), Some(slot.name), "{theirs}");
                }
            }
        }
    }
}
