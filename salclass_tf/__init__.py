"""SalClassNet for Keras: saliency detection driven by visual classification."""
