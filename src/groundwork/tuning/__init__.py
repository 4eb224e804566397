"""Floor 5: what makes a model, a route or a threshold better. Recipes, training, export, parity, cards; torch is imported only here.

A recipe (`recipe`) names a base, a task and a training set; `fit` trains, measures on the held part, exports, compares the export with what was
trained, and writes the card. What comes out is served by `engine`, without torch.
"""
