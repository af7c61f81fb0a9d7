"""The service on a Ray cluster: `python examples/ray_serve.py`.

Needs the extras `serve` and `ray`. Each replica loads the model once, has two
processors, and keeps its own photos; a client whose photo another replica has gets a 404, and
uploads it again.
"""

from ray import serve


def build():
    """Called on each replica."""
    from engine.serve import ServeOptions, create_app

    return create_app(ServeOptions(threads=2))


app = serve.deployment(
    serve.ingress(build)(),
    name="Cartoonify",
    ray_actor_options={"num_cpus": 2},
    max_ongoing_requests=16,
    autoscaling_config={"min_replicas": 1, "max_replicas": 8, "target_ongoing_requests": 4},
).bind()

if __name__ == "__main__":
    serve.run(app, blocking=True)
