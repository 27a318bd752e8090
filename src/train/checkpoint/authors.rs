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
//! Positions (`pos_embed`, `decoder_pos_embed`), which are constant, and batch counters
//! (`num_batches_tracked`) are left out.

use std::path::Path;

use super::{
    AdamState, Checkpoint, CheckpointError,
    arrays::{self, Array, NamedArrays, TensorFile},
    metadata::{DatasetMetadata, ExactF64, Metadata},
    validate::{check_fit, network_of},
};
use crate::{
    data::{DataSource, Dataset},
    model::{Architecture, LatentSize, VitOptions},
    train::{RunConfig, epoch_stats::EpochStats, history::History},
};

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
    open(file, |contents| import(contents.arrays, context))
}

/// Reads a checkpoint or the authors' weights.
///
/// # Errors
/// As for [`load`] and [`Checkpoint::load`].
pub fn load_any(file: &Path, context: ImportContext<'_>) -> Result<Checkpoint, CheckpointError> {
    open(file, |contents| {
        if contents.texts.contains_key("format") && contents.texts.contains_key("run") {
            Checkpoint::from_contents(contents)
        } else {
            import(contents.arrays, context)
        }
    })
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
fn import(authors: NamedArrays, context: ImportContext<'_>) -> Result<Checkpoint, String> {
    let is_theirs = |name: &String| name.starts_with("classifier.linear_");
    if !authors.keys().any(is_theirs) {
        let reason = "is neither a checkpoint of CRE Lab nor a CRE with the parameter names of the authors' modules";
        return Err(reason.to_owned());
    }
    let family = if authors.contains_key("encoder.linear_1.weight") {
        Family::Fc
    } else if authors.contains_key("encoder.cls_token") {
        Family::Vit
    } else {
        Family::Cnn
    };
    let ours =
        |(name, array): (String, Array)| Some((our_name(&name, family)?, plain_token(array)));
    let weights: NamedArrays = authors.into_iter().filter_map(ours).collect();
    let data = DatasetMetadata::new(context.source, context.dataset);
    let config = config_for(&weights, context.config, &data)?;
    let slots = network_of(&config, &data, &weights)?;
    check_fit(&weights, &slots, "")?;
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

/// The settings of the network that these weights fit.
fn config_for(
    weights: &NamedArrays,
    base: &RunConfig,
    data: &DatasetMetadata,
) -> Result<RunConfig, String> {
    let biases = (0..).map_while(|layer| weights.get(&format!("encoder.layers.{layer}.bias")));
    let latent = biases
        .last()
        .and_then(|bias| LatentSize::new(bias.values.len()).ok());
    let latent = latent.unwrap_or(base.latent);
    let vit = transformer_sizes(weights, base.vit);
    let mut reasons = Vec::new();
    for architecture in Architecture::ALL {
        let config = RunConfig {
            architecture,
            latent,
            vit,
            ..base.clone()
        };
        let fits =
            network_of(&config, data, weights).and_then(|slots| check_fit(weights, &slots, ""));
        match fits {
            Ok(()) => return Ok(config),
            Err(reason) => reasons.push(format!("{architecture}: it {reason}")),
        }
    }
    Err(format!(
        "does not contain the authors' weights of a network for {} images of {} classes ({})",
        data.shape(),
        data.classes.len(),
        reasons.join("; ")
    ))
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
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Fc,
    Cnn,
    Vit,
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

/// The authors' tokens are `[1, 1, width]`, ours `[width]`.
fn plain_token(mut array: Array) -> Array {
    if let [1, 1, width] = array.shape[..] {
        array.shape = vec![width];
    }
    array
}
