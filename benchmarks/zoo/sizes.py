"""The configuration of every architecture at two layers of width 32."""

from __future__ import annotations

from typing import Any

Sizes = dict[str, Any]

WIDTH, INNER, LAYERS, HEADS = 32, 48, 2, 4
WORDS: Sizes = {"vocab_size": 99, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
USUAL: Sizes = {
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
}
TEXT = WORDS | USUAL | {"max_position_embeddings": 128}
NARROW = TEXT | {"embedding_size": 16}
BEHIND_PADDING = TEXT | {"pad_token_id": 1, "bos_token_id": 0}
"""Positions are counted from the padding index on."""
GROUPED = TEXT | {"num_key_value_heads": 2, "head_dim": 8}
"""Two query heads share a key and a value."""
EXPERTS = GROUPED | {
    "num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24,
}  # fmt: skip
GPT2 = WORDS | {
    "n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_inner": INNER, "n_positions": 128,
}  # fmt: skip
BOTH_SIDES = WORDS | {
    "d_model": WIDTH,
    "encoder_layers": LAYERS,
    "decoder_layers": LAYERS,
    "encoder_attention_heads": HEADS,
    "decoder_attention_heads": HEADS,
    "encoder_ffn_dim": INNER,
    "decoder_ffn_dim": INNER,
    "max_position_embeddings": 128,
    "decoder_start_token_id": 2,
    "forced_eos_token_id": None,
}
T5 = WORDS | {
    "eos_token_id": 1,
    "d_model": WIDTH,
    "d_kv": 8,
    "d_ff": INNER,
    "num_layers": LAYERS,
    "num_heads": HEADS,
    "decoder_start_token_id": 0,
}
IMAGE = USUAL | {"image_size": 32, "patch_size": 8}
SOUND = WORDS | USUAL | {
    "conv_dim": (16, 16, 16),
    "conv_stride": (5, 4, 2),
    "conv_kernel": (10, 8, 4),
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "classifier_proj_size": 16,
}  # fmt: skip
RELATIVE = TEXT | {
    "relative_attention": True,
    "pos_att_type": ["c2p", "p2c"],
    "type_vocab_size": 0,
    "position_biased_input": False,
}

SIZES: dict[str, Sizes] = {
    "bert": TEXT,
    "distilbert": WORDS | {
        "dim": WIDTH, "hidden_dim": INNER, "n_layers": LAYERS, "n_heads": HEADS,
        "max_position_embeddings": 128,
    },
    "roberta": BEHIND_PADDING,
    "camembert": BEHIND_PADDING,
    "xlm-roberta": BEHIND_PADDING,
    "albert": NARROW,
    "electra": NARROW,
    "mpnet": BEHIND_PADDING,
    "deberta": RELATIVE,
    "deberta-v2": RELATIVE | {
        "position_buckets": 16, "norm_rel_ebd": "layer_norm", "share_att_key": True,
    },
    "xlnet": WORDS | {"d_model": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "d_inner": INNER},
    "mobilebert": TEXT | {
        "embedding_size": WIDTH, "intra_bottleneck_size": 16, "true_hidden_size": 16,
    },
    "squeezebert": TEXT | {
        "embedding_size": WIDTH, "q_groups": 2, "k_groups": 2, "v_groups": 2,
        "post_attention_groups": 1, "intermediate_groups": 2, "output_groups": 2,
    },
    "longformer": BEHIND_PADDING | {"attention_window": 8, "sep_token_id": 2},
    "modernbert": TEXT | {
        "cls_token_id": 1, "sep_token_id": 2, "local_attention": 8, "global_attn_every_n_layers": 2,
    },
    "ernie": TEXT,
    "layoutlm": TEXT | {"max_2d_position_embeddings": 128},
    "canine": TEXT | {
        "downsampling_rate": 4, "local_transformer_stride": 8, "num_hash_buckets": 64,
        "upsampling_kernel_size": 3,
    },
    "convbert": NARROW | {"conv_kernel_size": 5, "head_ratio": 2},
    "roformer": NARROW,
    "rembert": TEXT | {"input_embedding_size": 16, "output_embedding_size": 24},
    "esm": TEXT | {"mask_token_id": 3, "emb_layer_norm_before": True},
    "fnet": TEXT,
    "gpt2": GPT2,
    "opt": TEXT | {"ffn_dim": INNER, "word_embed_proj_dim": 16},
    "gpt_neo": WORDS | {
        "hidden_size": WIDTH, "num_layers": LAYERS, "num_heads": HEADS, "intermediate_size": INNER,
        "max_position_embeddings": 128, "attention_types": [[["global", "local"], 1]],
        "window_size": 8,
    },
    "gpt_neox": TEXT,
    "gptj": GPT2 | {"rotary_dim": 4},
    "gpt_bigcode": GPT2,
    "codegen": GPT2 | {"rotary_dim": 4},
    "llama": GROUPED,
    "mistral": GROUPED | {"sliding_window": 8},
    "qwen2": TEXT | {"num_key_value_heads": 2},
    "qwen3": GROUPED,
    "gemma": GROUPED | {"num_key_value_heads": 1},
    "gemma2": GROUPED | {"sliding_window": 8, "query_pre_attn_scalar": 8},
    "phi": TEXT,
    "phi3": GROUPED,
    "stablelm": TEXT | {"num_key_value_heads": 2},
    "olmo2": GROUPED,
    "cohere": GROUPED,
    "starcoder2": TEXT | {"num_key_value_heads": 2},
    "bloom": WORDS | {"hidden_size": WIDTH, "n_layer": LAYERS, "n_head": HEADS},
    "falcon": WORDS | {
        "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
    },
    "mpt": WORDS | {"d_model": WIDTH, "n_layers": LAYERS, "n_heads": HEADS, "max_seq_len": 128},
    "mixtral": GROUPED | {"num_local_experts": 4, "num_experts_per_tok": 2},
    "qwen3_moe": EXPERTS,
    "gpt_oss": EXPERTS | {"sliding_window": 8},
    "deepseek_v3": EXPERTS | {
        "num_key_value_heads": 4, "q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8,
        "qk_nope_head_dim": 8, "v_head_dim": 8, "n_routed_experts": 4, "n_group": 2,
        "topk_group": 1, "first_k_dense_replace": 1,
    },
    "t5": T5,
    "mt5": T5 | {"feed_forward_proj": "gated-gelu"},
    "bart": BOTH_SIDES,
    "mbart": BOTH_SIDES,
    "marian": BOTH_SIDES,
    "pegasus": BOTH_SIDES,
    "m2m_100": BOTH_SIDES,
    "blenderbot": BOTH_SIDES,
    "whisper": BOTH_SIDES | {
        "num_mel_bins": 16, "max_source_positions": 30, "max_target_positions": 64,
        "classifier_proj_size": 16,
    },
    "longt5": T5 | {"local_radius": 4, "global_block_size": 4},
    "speech_to_text": BOTH_SIDES | {
        "max_source_positions": 64, "max_target_positions": 64, "num_conv_layers": 2,
        "conv_kernel_sizes": [3, 3], "conv_channels": 16, "input_feat_per_channel": 8,
    },
    "vit": IMAGE,
    "vivit": IMAGE | {"num_frames": 4, "tubelet_size": [2, 8, 8]},
    "deit": IMAGE,
    "beit": IMAGE,
    "dinov2": IMAGE | {"mlp_ratio": 2},
    "vit_msn": IMAGE,
    "swin": {
        "image_size": 32, "patch_size": 4, "embed_dim": 16, "depths": [1, 2], "num_heads": [2, 4],
        "window_size": 4,
    },
    "swinv2": {
        "image_size": 32, "patch_size": 4, "embed_dim": 16, "depths": [1, 2], "num_heads": [2, 4],
        "window_size": 4,
    },
    "segformer": {
        "num_encoder_blocks": 2, "depths": [1, 1], "sr_ratios": [2, 1], "hidden_sizes": [16, 32],
        "patch_sizes": [7, 3], "strides": [4, 2], "num_attention_heads": [2, 4],
        "mlp_ratios": [2, 2], "decoder_hidden_size": 32,
    },
    "audio-spectrogram-transformer": USUAL | {
        "num_mel_bins": 16, "max_length": 48, "patch_size": 8, "time_stride": 8,
        "frequency_stride": 8,
    },
    "clip": {
        "text_config": TEXT, "vision_config": IMAGE, "projection_dim": WIDTH,
    },
    "siglip": {"text_config": TEXT | {"max_position_embeddings": 64}, "vision_config": IMAGE},
    "wav2vec2": SOUND,
    "hubert": SOUND,
    "wav2vec2-bert": WORDS | USUAL | {
        "feature_projection_input_dim": 16, "conv_depthwise_kernel_size": 5,
        "output_hidden_size": WIDTH,
    },
    "wavlm": SOUND | {"num_buckets": 32, "max_bucket_distance": 64},
}  # fmt: skip
