#!/usr/bin/env python3
"""Writes a golden generator case's weights as a TensorFlow checkpoint under the released models' names.

    python3 make_tensorflow.py CASE.safetensors PREFIX [--training]

With --training the variables are updated three times by TensorFlow's Adam, together with tiny critics (widths from 2,
pictures 32x32, holes 16x16), and the optimiser's state is saved, too, as in the released CelebA-HQ and DTD models;
PREFIX.expected.npz then holds the variables after a fourth update, whose gradients are all 0.25.

Needs TensorFlow 2 and NumPy. tests/import_data/tiny.index is of generator__masks.
"""
import os
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import tensorflow.compat.v1 as tf

import cases

LEARNING_RATE = 1e-4


def critics():
    random = np.random.default_rng(7)
    for kind, last, picture in (("global", 8, 32), ("local", 16, 16)):
        widths = [3, 2, 4, 8, last]
        for i in range(1, 5):
            name = f"discriminator/discriminator_{kind}/conv{i}"
            yield f"{name}/kernel", random.standard_normal((5, 5, widths[i - 1], widths[i]))
            yield f"{name}/bias", random.standard_normal(widths[i])
        yield f"discriminator/dout_{kind}_fc/kernel", random.standard_normal(((picture // 16) ** 2 * last, 1))
        yield f"discriminator/dout_{kind}_fc/bias", random.standard_normal(1)


def main():
    case, prefix = sys.argv[1], sys.argv[2]
    training = "--training" in sys.argv[3:]
    weights = cases.golden_weights(case)
    if training:
        weights.update(critics())
    tf.disable_eager_execution()
    with tf.Graph().as_default(), tf.Session() as session:
        variables = [
            tf.get_variable(name, initializer=tf.constant(value, tf.float32), use_resource=False)
            for name, value in weights.items()
        ]
        if training:
            tf.get_variable("lr", initializer=tf.constant(LEARNING_RATE), trainable=False, use_resource=False)
            step = tf.get_variable("global_step", initializer=tf.constant(3), trainable=False, use_resource=False)
            adam = tf.train.AdamOptimizer(LEARNING_RATE, beta1=0.5, beta2=0.9)
            scale = tf.placeholder(tf.float32, [])
            random = np.random.default_rng(11)
            gradients = [scale * random.standard_normal(v.shape).astype(np.float32) for v in variables]
            update = adam.apply_gradients(zip(gradients, variables))
            constant = adam.apply_gradients([(tf.fill(v.shape, 0.25), v) for v in variables])
        session.run(tf.global_variables_initializer())
        if training:
            for factor in (1.0, -0.5, 2.0):
                session.run(update, {scale: factor})
        tf.train.Saver(write_version=tf.train.SaverDef.V2).save(session, prefix, write_meta_graph=False, write_state=False)
        if training:
            session.run(constant)
            np.savez(prefix + ".expected.npz", **{v.op.name: session.run(v) for v in variables})


main()
