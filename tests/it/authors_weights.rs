//! Weights in the names of the authors' modules; `reference/make_authors_checkpoints.py` makes the files.

use crate::common;
use std::{fs, path::PathBuf, sync::Arc};

use safetensors::tensor::{Dtype, TensorView, serialize};

use burn::tensor::{Device, Tensor, TensorData};
use cre_lab::{
    data::{DataSource, Dataset, ImageShape},
    model::{Architecture, ForwardContext, Lambda, VitOptions},
    train::{
        RunConfig, Trainer,
        checkpoint::{
            Checkpoint, CheckpointError,
            arrays::{NamedArrays, TensorFile},
            authors::{self, ImportContext},
        },
    },
};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(name)
}

fn read_arrays(name: &str) -> NamedArrays {
    TensorFile::from_bytes(&fs::read(file(name)).unwrap())
        .unwrap()
        .arrays
}

/// Settings that the weights do not decide.
fn config() -> RunConfig {
    RunConfig {
        batch_size: 2,
        lambda: Lambda::new(0.25).unwrap(),
        ..RunConfig::default()
    }
}

fn load(name: &str, dataset: &Dataset) -> Result<Checkpoint, CheckpointError> {
    let base = ImportContext {
        config: &config(),
        source: &DataSource::default(),
        dataset,
    };
    authors::load(&file(name), base)
}

/// A trainer with these weights.
fn trainer(saved: &Checkpoint, dataset: &Arc<Dataset>) -> Trainer {
    let mut trainer = Trainer::new(&saved.config(), dataset.clone(), &Device::flex()).unwrap();
    saved.restore(&mut trainer).unwrap();
    trainer
}

/// Checks that the model computes finite logits for constant images.
fn assert_finite_logits(trainer: &Trainer) {
    let images = Tensor::zeros([2, 784], &Device::flex());
    let mut context = ForwardContext::evaluation();
    let output = trainer.model().forward_in(images, &mut context);
    let logits: Vec<f32> = output.logits.try_into_vec_as().unwrap();
    assert!(logits.iter().all(|logit| logit.is_finite()));
}

#[test]
fn a_fully_connected_network_reproduces_the_outputs_of_imported_weights() {
    let name = "authors_fc_small.safetensors";
    let dataset = Arc::new(common::dataset(ImageShape::GREY_28, 10, 4, 2));
    let saved = load(name, &dataset).unwrap();
    let found = saved.config();
    assert_eq!(found.architecture, Architecture::FcSmall);
    assert_eq!(found.latent.get(), 2, "it is the weights that decide n");
    assert_eq!(
        found.lambda,
        config().lambda,
        "settings that the file lacks stay"
    );

    let image: Vec<f32> = (0..784u16).map(|i| f32::from(i % 7) / 7.0 - 0.5).collect();
    let data = TensorData::new(image.clone(), [1, 784]);
    let output = trainer(&saved, &dataset)
        .model()
        .forward(Tensor::from_data(data, &Device::flex()));
    // PyTorch's y = W x + b, in double precision.
    let arrays = read_arrays(name);
    let linear = |part: &str, x: &[f64]| -> Vec<f64> {
        let weight = &arrays[&format!("{part}.linear_1.weight")].values;
        let bias = &arrays[&format!("{part}.linear_1.bias")].values;
        let rows = weight.chunks(x.len()).zip(bias);
        rows.map(|(row, bias)| {
            let products = row.iter().zip(x).map(|(w, x)| f64::from(*w) * x);
            products.sum::<f64>() + f64::from(*bias)
        })
        .collect()
    };
    let x: Vec<f64> = image.into_iter().map(f64::from).collect();
    let z: Vec<f64> = linear("encoder", &x)
        .into_iter()
        .map(|z| z.max(0.0))
        .collect();
    assert!(z.iter().any(|z| *z > 0.1), "{z:?} tests nothing");
    let reconstruction: Vec<f64> = linear("decoder", &z).into_iter().map(f64::tanh).collect();
    for (got, expected) in [
        (output.latent, z.clone()),
        (output.reconstruction, reconstruction),
        (output.logits, linear("classifier", &z)),
    ] {
        let got: Vec<f32> = got.try_into_vec_as().unwrap();
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.into_iter().zip(expected) {
            assert!(
                (f64::from(got) - expected).abs() < 1e-4,
                "{got} ≠ {expected}"
            );
        }
    }
}

#[test]
fn every_weight_of_a_convolutional_network_is_imported() {
    let name = "authors_cnn_small.safetensors";
    let dataset = Arc::new(common::dataset(ImageShape::GREY_28, 10, 4, 2));
    let saved = load(name, &dataset).unwrap();
    assert_eq!(saved.config().architecture, Architecture::CnnSmall);
    let arrays = read_arrays(name);
    for (ours, name) in [
        ("encoder.blocks.0.conv.weight", "encoder.conv_1.weight"),
        ("encoder.blocks.2.conv.bias", "encoder.conv_3.bias"),
        ("encoder.blocks.1.norm.weight", "encoder.bn_2.weight"),
        (
            "encoder.blocks.1.norm.running_mean",
            "encoder.bn_2.running_mean",
        ),
        (
            "encoder.blocks.1.norm.running_var",
            "encoder.bn_2.running_var",
        ),
        ("decoder.layers.0.weight", "decoder.conv_t_1.weight"),
        ("decoder.layers.2.bias", "decoder.conv_t_3.bias"),
        ("classifier.output.weight", "classifier.linear_2.weight"),
    ] {
        assert_eq!(saved.weights()[ours], arrays[name], "{ours}");
    }
    assert_eq!(saved.weights().len(), arrays.len());
    assert_finite_logits(&trainer(&saved, &dataset));
}

#[test]
fn a_transformer_gets_its_sizes_from_imported_weights() {
    let name = "authors_vit.safetensors";
    let dataset = Arc::new(common::dataset(ImageShape::GREY_28, 10, 4, 2));
    let saved = load(name, &dataset).unwrap();
    let found = saved.config();
    assert_eq!(found.architecture, Architecture::Vit);
    let expected = VitOptions {
        patch: Some(14),
        embed: 12,
        depth: 2,
        mlp_ratio: 2,
        ..config().vit
    };
    assert_eq!(found.vit, expected);
    let arrays = read_arrays(name);
    for (ours, name) in [
        ("encoder.patches.weight", "encoder.patch_embed.proj.weight"),
        (
            "encoder.blocks.1.attention.qkv.weight",
            "encoder.blocks.1.attn.qkv.weight",
        ),
        (
            "encoder.blocks.0.inner.bias",
            "encoder.blocks.0.mlp.fc1.bias",
        ),
        ("encoder.norm.bias", "encoder.norm.bias"),
        ("decoder.input.weight", "decoder.decoder_embed.weight"),
        (
            "decoder.blocks.1.attention.output.weight",
            "decoder.decoder_blocks.1.attn.proj.weight",
        ),
        ("decoder.output.weight", "decoder.decoder_pred.weight"),
        ("classifier.norm.running_var", "classifier.bn_1.running_var"),
        ("classifier.output.weight", "classifier.linear_1.weight"),
    ] {
        assert_eq!(saved.weights()[ours], arrays[name], "{ours}");
    }
    for (ours, name) in [
        ("encoder.class_token", "encoder.cls_token"),
        ("decoder.mask_token", "decoder.mask_token"),
    ] {
        assert_eq!(saved.weights()[ours].values, arrays[name].values, "{ours}");
    }
    // Two tables of positions are left out.
    assert_eq!(saved.weights().len(), arrays.len() - 2);
    assert_finite_logits(&trainer(&saved, &dataset));
}

#[test]
fn weights_for_other_data_are_refused_with_the_reason() {
    let colour = common::dataset(ImageShape::COLOUR_32, 10, 4, 2);
    let refused = load("authors_cnn_small.safetensors", &colour).unwrap_err();
    let reason = refused.to_string();
    assert!(
        reason.contains("authors_cnn_small.safetensors") && reason.contains("3×32×32"),
        "{reason}"
    );
    let grey = common::dataset(ImageShape::GREY_28, 10, 4, 2);
    let refused = load("cnn_reference.json", &grey).unwrap_err();
    assert!(refused.to_string().contains("safetensors"), "{refused}");
}

/// The weights of the fully connected network under other names and with other bytes per value.
fn rewritten(rename: impl Fn(&str) -> Option<String>, dtype: Dtype) -> tempfile::NamedTempFile {
    let arrays = read_arrays("authors_fc_small.safetensors");
    let tensors: Vec<_> = arrays
        .iter()
        .filter_map(|(name, array)| {
            let bytes = array.values.iter().flat_map(|value| match dtype {
                Dtype::F16 => half::f16::from_f32(*value).to_le_bytes().to_vec(),
                Dtype::BF16 => half::bf16::from_f32(*value).to_le_bytes().to_vec(),
                _ => f64::from(*value).to_le_bytes().to_vec(),
            });
            Some((
                rename(name)?,
                array.shape.clone(),
                bytes.collect::<Vec<u8>>(),
            ))
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(dtype, shape.clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), serialize(views, None).unwrap()).unwrap();
    file
}

fn load_file(file: &tempfile::NamedTempFile) -> Result<Checkpoint, CheckpointError> {
    load(
        file.path().to_str().unwrap(),
        &common::dataset(ImageShape::GREY_28, 10, 4, 2),
    )
}

#[test]
fn other_precisions_and_the_names_of_wrapped_modules_are_read() {
    let dataset = common::dataset(ImageShape::GREY_28, 10, 4, 2);
    let plain = load("authors_fc_small.safetensors", &dataset).unwrap();
    for (dtype, deviation) in [(Dtype::F64, 0.0), (Dtype::F16, 1e-3), (Dtype::BF16, 1e-2)] {
        for prefix in ["", "module.", "_orig_mod.module.", "model._orig_mod."] {
            let file = rewritten(|name| Some(format!("{prefix}{name}")), dtype);
            let read = load_file(&file).unwrap();
            for (name, array) in plain.weights() {
                for (expected, value) in array.values.iter().zip(&read.weights()[name].values) {
                    assert!((expected - value).abs() <= deviation * expected.abs().max(0.01));
                }
            }
        }
    }
    let inner = |name: &str| Some(name.replace("encoder.", "encoder._orig_mod."));
    load_file(&rewritten(inner, Dtype::F64)).unwrap();
}

#[test]
fn a_mismatch_names_the_first_tensor_in_the_names_of_the_file() {
    let without_bias = |name: &str| {
        let is_kept = name != "decoder.linear_1.bias";
        is_kept.then(|| format!("module.{name}"))
    };
    let refused = load_file(&rewritten(without_bias, Dtype::F64)).unwrap_err();
    let reason = "compared with FC Small, it lacks tensor “module.decoder.linear_1.bias”";
    assert!(refused.reason.ends_with(reason), "{refused}");

    let more_classes = common::dataset(ImageShape::GREY_28, 12, 4, 2);
    for (name, reason) in [
        (
            "authors_fc_small.safetensors",
            "compared with FC Small, it contains tensor “classifier.linear_1.weight” with shape [10, 2], but the network needs [12, 2]",
        ),
        (
            "authors_cnn_small.safetensors",
            "compared with CNN Small, it contains tensor “classifier.linear_2.weight” with shape [10, 256], but the network needs [12, 256]",
        ),
        (
            "authors_vit.safetensors",
            "compared with ViT, it contains tensor “classifier.linear_1.weight” with shape [10, 12], but the network needs [12, 12]",
        ),
    ] {
        let refused = load(name, &more_classes).unwrap_err();
        assert!(refused.reason.ends_with(reason), "{refused}");
    }
}

#[test]
fn files_of_other_formats_are_named_with_the_way_on() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for (bytes, reason) in [
        (&b"PK\x03\x04 and more"[..], "torch.load("),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j", "torch.load("),
        (
            b"version https://git-lfs.github.com/spec/v1",
            "git lfs pull",
        ),
        (b"<!doctype html><html>", "is a web page"),
    ] {
        fs::write(file.path(), bytes).unwrap();
        let refused = load_file(&file).unwrap_err();
        assert!(refused.reason.contains(reason), "{refused}");
    }
}
